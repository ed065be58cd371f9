/** Which MCP server is meant: a command to run, or a remote to call. */
import { ConfigError } from "../core/errors.ts";
import { commandLabel, commandText, shellLabel } from "./command_label.ts";
import { splitCommandLine } from "./command_line.ts";
import type { ParsedOptions } from "./problem.ts";
import { serverName } from "./server_name.ts";

interface Named {
  /** A short printable name for logs and banners, without what looks like a secret. */
  label: string;
  /** What to call it in the configuration of a client. */
  name: string;
}

/** What runs the server: a program with its arguments, or a whole line for `/bin/sh -c`. */
export interface ServerCommand extends Named {
  kind: "command";
  /** What it stands after, for messages. */
  flag: string;
  program: string;
  args: readonly string[];
  /** Then `program` is the line, and there are no arguments. */
  shell: boolean;
  /** What is to be shown of it as run, where its words came from variables or files. */
  shown?: string;
}

type RemoteWire = "streamableHttp" | "sse" | "ws";

/** Where the server is. */
export interface ServerRemote extends Named {
  kind: "remote";
  /** "detect": Streamable HTTP or SSE, whichever the server speaks. */
  wire: RemoteWire | "detect";
  url: URL;
}

export type ServerInput = ServerCommand | ServerRemote;

/** What stands on a command line besides flags. */
export interface Operands {
  /** After `--`. */
  argv: readonly string[];
  /** The one bare argument, where it is the URL of a server. */
  url?: URL | undefined;
}

type Input = { flag: string; read: () => ServerInput };

/** Throws ConfigError unless exactly one server is given. The file is one that has no servers, if there is any. */
export function readServer(parsed: ParsedOptions, operands: Operands, fileWithout?: string): ServerInput {
  const [input, ...others] = givenInputs(parsed, operands);
  if (input === undefined) {
    const without = fileWithout === undefined ? "" : `, and ${fileWithout} has none that is enabled`;
    throw new ConfigError(
      `No server given${without}: expected ${parsed.nameOf("stdio")} "command line", ` +
        "-- command [arguments...], the URL of a remote server, or a file with servers",
    );
  }
  if (others.length > 0) {
    const given = [input, ...others].map(({ flag }) => flag).join(" and ");
    throw new ConfigError(`More than one server given, ${given}: expected exactly one`);
  }
  return input.read();
}

/** An empty value counts as not given, as it does for supergateway. */
function givenInputs({ values, nameOf }: ParsedOptions, { argv, url }: Operands): Input[] {
  const { stdio = "", streamableHttp, sse, ws } = values;
  const line = nameOf("stdio");
  const remotes = Object.entries({ streamableHttp, sse, ws }).map(([wire, remote]): Input[] =>
    remote ? [{ flag: nameOf(wire), read: () => remoteServer(wire as RemoteWire, remote) }] : []
  );
  return [
    ...stdio.trim() === "" ? [] : [{ flag: line, read: () => lineCommand(stdio, line) }],
    ...remotes.flat(),
    ...argv.length > 0 ? [{ flag: "a command after --", read: () => directCommand(argv, "--") }] : [],
    ...url ? [{ flag: "a URL", read: () => remoteServer(wireOf(url), url) }] : [],
  ];
}

/** What a URL alone says. */
export function wireOf({ protocol }: URL): ServerRemote["wire"] {
  return protocol === "ws:" || protocol === "wss:" ? "ws" : "detect";
}

export function remoteServer(wire: ServerRemote["wire"], url: URL): ServerRemote {
  // Credentials and query may be secrets.
  return {
    kind: "remote",
    wire,
    url,
    label: `${url.protocol}//${url.host}${url.pathname}`,
    name: url.hostname,
  };
}

/** Throws ConfigError for a line that no shell would take. */
export function lineCommand(line: string, flag: string): ServerCommand {
  const split = splitCommandLine(line);
  if (split.kind === "words") return directCommand(split.words, flag);
  const name = serverName(line.split(/\s+/));
  return {
    kind: "command",
    flag,
    program: line,
    args: [],
    shell: true,
    label: shellLabel(line),
    name,
  };
}

/** What is run, as a user would recognise it. */
export function commandTextOf({ program, args, shell, label, shown }: ServerCommand): string {
  return shown ?? (shell ? label : commandText([program, ...args]));
}

/** Throws ConfigError where there is no program. */
export function directCommand(words: readonly string[], flag: string): ServerCommand {
  const [program = "", ...args] = words;
  if (program === "") throw new ConfigError(`${flag} "": expected the name of a program as the first word`);
  return {
    kind: "command",
    flag,
    program,
    args,
    shell: false,
    label: commandLabel(words),
    name: serverName(words),
  };
}
