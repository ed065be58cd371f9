/** What stands on a command line besides flags: the URL of a remote server, a configuration file, or something that is in the wrong place. */
import { similarName } from "../base/similar.ts";
import { ConfigError } from "../core/errors.ts";
import { extensionOf } from "./document/document.ts";
import { HTTP, WEB_SOCKET } from "../options/network_values.ts";
import { parseServerUrl, urlFault } from "../options/server_url.ts";

/** Whatever has a URL's form is meant for the server's. */
const URL_FORM = /^(https?|wss?):\/\//i;
const PROTOCOLS = [...HTTP, ...WEB_SOCKET];
const MAX_SHOWN = 40; // an argument in an error message; the message stays one line

const GENERAL = "quote the whole line after --stdio, put the command after --, " +
  "or give the URL of one remote server or a file with servers";

/** What starts servers; and whatever is a path. */
const PROGRAM =
  /^((npx|npm|pnpm|pnpx|yarn|bunx?|node|deno|tsx|ts-node|uvx?|pipx|python[\d.]*|poetry|docker|podman|java|dotnet|go|cargo|ruby|php|sh|bash|zsh|cmd|powershell|pwsh)(\.exe|\.cmd|\.bat)?|\.{0,2}[\\/].+|[a-z]:[\\/].+)$/i;

const SERVE = 'leave the word out to serve, as in keystone --stdio "npx -y some-server", ' +
  "or begin with start to serve in the background";

const COMMANDS = ["start", "stop", "restart", "status", "logs", "health", "show-key"];

/** The words that other tools have for what is a flag, or nothing, here; and those that stand in the wrong place. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["help", "did you mean --help?"],
  ["version", "did you mean --version?"],
  ...["serve", "run", "up"].map((word) => [word, SERVE] as const),
  ...COMMANDS.map((word) => [word, `a command stands first, as in keystone ${word} --help`] as const),
  ...["validate", "schema", "print"].map((word) => [word, "see --help for the commands"] as const),
]);

/** Whether it is one, wherever it stands. */
export function isOperand(word: string): boolean {
  return URL_FORM.test(word) || (!word.startsWith("-") && extensionOf(word) !== undefined);
}

interface Operand {
  readonly url?: URL;
  /** A configuration. */
  readonly file?: string;
}

/** The one operand is a URL or a file. Any other is mostly the rest of an unquoted line, and parts of it may be secrets. */
export function readOperand(operands: readonly string[], isUnquotedLine: boolean): Operand {
  const [first, ...more] = operands;
  if (first === undefined) return {};
  const url = parseServerUrl(first, PROTOCOLS);
  const isFile = !url && !isUnquotedLine && !URL_FORM.test(first) && extensionOf(first) !== undefined;
  const operand = url || isFile ? more[0] : first;
  if (operand === undefined) return url ? { url } : { file: first };
  const hint = isUnquotedLine ? GENERAL : url ? besideUrl(operand) : hintOf(operand);
  throw new ConfigError(`Unexpected argument ${JSON.stringify(displayOperand(operand))}: ${hint}`);
}

/** Whether a command without `--` in front may have brought the flag that is not known; the hint for it. */
export function commandHint([first = ""]: readonly string[]): string | undefined {
  return PROGRAM.test(first) ? withDashes(first) : undefined;
}

function besideUrl(operand: string): string {
  return URL_FORM.test(operand)
    ? "a URL is given already, expected one server; several stand in a file, see --config"
    : hintOf(operand);
}

function hintOf(operand: string): string {
  if (PROGRAM.test(operand)) return withDashes(operand);
  return WORDS.get(operand.toLowerCase()) ?? urlFault(operand, PROTOCOLS) ?? meantCommand(operand) ?? GENERAL;
}

function meantCommand(operand: string): string | undefined {
  const similar = similarName(operand, [...COMMANDS, "config", "validate-config"]);
  return similar === undefined ? undefined : `did you mean keystone ${similar}?`;
}

function withDashes(program: string): string {
  return `put -- before the command, as in keystone [options] -- ${displayOperand(program)} …`;
}

function displayOperand(operand: string): string {
  return operand.replace(/:\/\/[^/]*@/, "://…@").replace(/[=\s?][^]*$/, "…").slice(0, MAX_SHOWN);
}
