import type { Command, Help, Option } from "commander";
import { findOption } from "./options.ts";

const WIDTH = 80;

const ABOUT = `Keystone joins MCP clients and servers over stdio, Streamable HTTP, SSE and
WebSocket: any client to any server.
`;

const USAGE = `--stdio "command line" [options]
       keystone [options] -- command [arguments...]
       keystone <url of a remote server> [options]
       keystone <file with servers> [options]
       keystone start|stop|restart|status|logs|health [--help]
       keystone keys create|list|rotate|revoke, keystone show-key
       keystone users add|password|list|remove
       keystone keypair generate|show, keystone audit verify <file>
       keystone config validate|print|schema
       keystone client-config --client <client> [options]`;

/** The few flags that most people need. */
export const COMMON_HEADING = "What most people need:";

const EXAMPLES = `Examples:
  keystone --stdio "npx -y @modelcontextprotocol/server-everything"
  keystone --port 9000 --stateful -- npx -y some-server --flag "an argument"
  keystone https://example.com/mcp --oauth2BearerFile token.txt
  keystone https://example.com/mcp --outputTransport sse,ws
  keystone --stdio "uvx some-server" --host 0.0.0.0 --auth apiKey \\
           --allowedHost tools.example.com --cors https://app.example.com
`;

const CLOSING = `
Each option may also be an environment variable (--maxSessions is
KEYSTONE_MAX_SESSIONS) or stand in a file; a flag goes before a variable, and
that before the file.

Flags may also be written in kebab-case (--output-transport), with an equals
sign (--port=8000) and, to turn a switch off, with --no- (--no-stateful).
A size is in bytes or has a suffix k, m or g; a time is in milliseconds or has
a suffix ms, s, m or h.

Exit codes:
  0  stopped on request
  1  failed while running
  2  wrong usage; nothing was started
  3  status: there is no such gateway`;

/** Gives a program the help of Keystone: grouped, with one name for each flag and its default, 80 columns wide. */
export function dressHelp(program: Command): Command {
  return program
    .usage(USAGE)
    .addHelpText("before", ABOUT)
    .addHelpText("after", CLOSING)
    .configureHelp({
      helpWidth: WIDTH,
      optionTerm: term,
      optionDescription: description,
      formatItemList: withExamples,
    });
}

/** They stand between what most people need and the rest. */
function withExamples(heading: string, items: string[], helper: Help): string[] {
  if (items.length === 0) return [];
  const list = [helper.styleTitle(heading), ...items, ""];
  return heading === COMMON_HEADING ? [...list, ...EXAMPLES.split("\n")] : list;
}

function term(option: Option): string {
  const meta = findOption(option.attributeName());
  if (meta === undefined) return option.flags.replace("[file]", "<file>");
  return meta.value === undefined ? `${option.long}` : `${option.long} ${meta.value}`;
}

function description(option: Option): string {
  const value = findOption(option.attributeName())?.default;
  const shown = value === undefined || value === false ? "" : String(value);
  return shown === "" ? option.description : `${option.description} (default: ${shown})`;
}
