/** `keystone client-config`: what a client of MCP has to be told, with the command by which this program was started. */
import { optionName } from "../../base/option_name.ts";
import { escaped } from "../../base/outside.ts";
import { safeText } from "../../base/telling.ts";
import { parseArgs } from "../../config/commands.ts";
import { type Config, type ProcessConfig, type ServerConfig, variableOf } from "../../config/mod.ts";
import { ConfigError } from "../../core/errors.ts";
import { FRONTENDS } from "../../frontends/mod.ts";
import { reachableHost } from "../../listener/reachable_host.ts";
import { selfSignedFile } from "../../tls_source.ts";
import { proofForClients } from "../banner.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { ownCommand } from "../own_command.ts";
import { type ClientName, CLIENTS, configurationFor, type Entry, isClientName } from "./clients.ts";
import { type Line, lineOf } from "./line.ts";

const HELP = `Usage: keystone client-config --client <client> [--as <name>] [flags of serving]

Prints what the configuration of a client has to say of the server that those
flags serve: a command, where Keystone is to speak with the client over stdio,
and else the URL of a gateway that is started by itself.

  --client <client>    ${Object.keys(CLIENTS).join(", ")}
  --as <name>          what the client calls the server

  keystone client-config --client claude-desktop https://host/mcp
  keystone client-config --client vscode --port 8000 --stdio "npx -y some-server"

The text goes to stdout, and where it belongs to stderr. Paths among the flags
are those that the client sees: give whole ones. A configuration file that is
found, and variables of Keystone's that are set, are named in it.
`;

const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;
/** They may quote names of files. */
const NOTE_CHARS = 1_000;

interface OwnFlags {
  readonly client: string | undefined;
  readonly name: string | undefined;
  readonly help: boolean;
  readonly serving: readonly string[];
}

/** Takes what serving takes, and its own flags. */
export async function run(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const { client, name, help, serving } = ownFlags(args);
  if (help) {
    context.stdout.write(HELP);
    return 0;
  }
  if (client === undefined || !isClientName(client)) throw noClient(client);
  const outcome = await parseArgs(serving, context.version);
  if (outcome.kind !== "run") throw new ConfigError("--version: expected no such flag here");
  const written = { client, name, line: lineOf(serving, outcome), ...await trustFor(outcome.config.process) };
  const { title, place } = CLIENTS[client];
  context.stdout.write(configurationFor(client, entriesOf(outcome.config, written)));
  for (const text of outcome.warnings) {
    context.stderr.write(`keystone: warning: ${escaped(safeText(text, NOTE_CHARS))}\n`);
  }
  for (const text of notesOn(written)) context.stderr.write(`keystone: ${escaped(text)}\n`);
  context.stderr.write(`For ${title}: ${place(Deno.build.os)}\n`);
  return 0;
}

function ownFlags(args: readonly string[]): OwnFlags {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const given = new Map<string, string>();
  const serving: string[] = [];
  for (let at = 0; at < end; at++) {
    const [, flag, value] = /^--(client|as)(?:=([^]*))?$/.exec(args[at]!) ?? [];
    if (flag === undefined) serving.push(args[at]!);
    else given.set(flag, value ?? (at + 1 < end ? args[++at]! : ""));
  }
  return {
    client: given.get("client"),
    name: nameIn(given.get("as")),
    help: serving.some((flag) => flag === "--help" || flag === "-h"),
    serving: [...serving, ...args.slice(end)],
  };
}

/** Throws ConfigError for what no client would show. */
function nameIn(given: string | undefined): string | undefined {
  if (given === undefined || NAME.test(given)) return given;
  const shown = JSON.stringify(given.slice(0, 40));
  throw new ConfigError(
    `--as ${shown}: expected letters, digits, -, _ and ., a letter or digit first, 64 at most`,
  );
}

function noClient(given: string | undefined): ConfigError {
  const expected = `expected one of ${Object.keys(CLIENTS).join(", ")}`;
  return new ConfigError(
    given === undefined
      ? `--client: ${expected}`
      : `--client ${JSON.stringify(given.slice(0, 40))}: ${expected}`,
  );
}

interface Written {
  readonly client: ClientName;
  readonly name: string | undefined;
  /** By which the servers of this configuration are served. */
  readonly line: Line;
  /** The file with a certificate that nobody vouches for; undefined where there is none of that kind. */
  readonly ownCertificate: string | undefined;
}

async function trustFor({ tls, state }: ProcessConfig): Promise<Pick<Written, "ownCertificate">> {
  const certificate = tls.tlsSelfSigned ? await selfSignedFile(state.stateDir) : undefined;
  return { ownCertificate: certificate };
}

function notesOn({ line, ownCertificate }: Written): string[] {
  return [
    ...line.notes,
    ...ownCertificate === undefined
      ? []
      : [`the client has to trust ${ownCertificate}, since nobody else vouches for it`],
  ];
}

function entriesOf({ process, servers }: Config, written: Written): Map<string, Entry> {
  const { name, line: { words, env } } = written;
  const all = [...servers];
  if (name !== undefined && all.length > 1) {
    throw new ConfigError("--as: names one server, and there are several");
  }
  return new Map(all.map(([own, server]): [string, Entry] => [
    name ?? own,
    server.transports.includes("stdio")
      ? { kind: "command", words: [...ownCommand(), ...words], ...env && { env } }
      : called(process, server, { ...written, prefix: all.length > 1 ? `/${own}` : "" }),
  ]));
}

interface Calling extends Written {
  /** What stands before the paths of this server. */
  readonly prefix: string;
}

/** Who calls no URL, or none of this wire, starts Keystone to do so. */
function called(process: ProcessConfig, server: ServerConfig, calling: Calling): Entry {
  const { client, prefix, ownCertificate } = calling;
  const base = baseOf(process) + process.clients.basePath + prefix;
  const wires = FRONTENDS.filter(({ name }) => server.transports.includes(name));
  const endpoints = wires.map((wire) => wire.endpoint(server.paths, base));
  const proof = proofForClients(process.auth.authKinds);
  const known = endpoints.find(({ type }) => type !== "ws");
  const wire = known?.type;
  if (known && wire !== undefined && wire !== "ws" && CLIENTS[client].callsUrls) {
    return { kind: "url", wire, url: known.url, ...proof && { headers: { Authorization: proof } } };
  }
  const url = (known ?? endpoints[0])?.url ?? base;
  const trust = ownCertificate === undefined ? [] : ["--caFile", ownCertificate];
  return {
    kind: "command",
    words: [...ownCommand(), url, ...trust],
    ...proof && { env: { [variableOf("header")]: `Authorization: ${proof}` } },
  };
}

function baseOf({ listen: { host, port }, clients: { baseUrl }, tls }: ProcessConfig): string {
  if (/^https?:/i.test(baseUrl)) return baseUrl;
  if (port === 0) {
    throw new ConfigError(
      `${optionName("port")} 0: another one with each start; a client needs one that stays`,
    );
  }
  const scheme = tls.tlsCert !== undefined || tls.tlsSelfSigned ? "https" : "http";
  return `${scheme}://${reachableHost(host)}:${port}`;
}
