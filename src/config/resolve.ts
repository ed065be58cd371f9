import { ConfigError } from "../core/errors.ts";
import { commandLabel, shellLabel } from "./command_label.ts";
import { splitCommandLine } from "./command_line.ts";
import { findOption, type Options, options, type RawOptions, type Transport } from "./options.ts";
import { refuseSharedRoutes } from "./routes.ts";

const MAX_SHOWN = 80; // a refused value in an error message; the message stays one line

/** What runs the server: a program with its arguments, or a whole line for `/bin/sh -c`. */
export interface ServerCommand {
  /** What it stands after on the command line, for messages. */
  flag: "--stdio" | "--";
  program: string;
  args: readonly string[];
  /** Then `program` is the line, and there are no arguments. */
  shell: boolean;
  /** A short printable name for logs and banners, without what looks like a secret. */
  label: string;
}

/** Every setting with its final value; nothing inside has a default of its own. */
export interface ResolvedConfig {
  command: ServerCommand;
  /** What the server gets on top of the environment of Keystone. */
  env: Readonly<Record<string, string>>;
  cwd?: string;
  transports: readonly Transport[];
  host: string;
  port: number;
  /** Paths of PEM files: both or neither. */
  tlsCert?: string;
  tlsKey?: string;
  /** Empty, a URL or a path, without a slash at its end. */
  baseUrl: string;
  ssePath: string;
  messagePath: string;
  streamableHttpPath: string;
  wsPath: string;
  /** May hold `/health`, which then answers as the others do. */
  healthEndpoints: readonly string[];
  cors?: "*" | readonly (string | RegExp)[];
  /** As a Host header has them: lower case, IPv6 in brackets, some with a port; `*` is any. */
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  headers: readonly (readonly [name: string, value: string])[];
  stateful: boolean;
  sessionTimeoutMs: number;
  /** What is offered to the server that stateless clients share. */
  protocolVersion: string;
  maxBodyBytes: number;
  maxMessageBytes: number;
  maxSessions: number;
  /** Of one session. */
  maxOpenRequests: number;
  /** Messages of one session that may wait, each way, and how large they may be together. */
  maxBufferedMessages: number;
  maxBufferedBytes: number;
  requestTimeoutMs?: number;
  keepAliveMs: number;
  startTimeoutMs: number;
  stopTimeoutMs: number;
  shutdownTimeoutMs: number;
  replyMode: "auto" | "json" | "sse";
  logFormat: "text" | "json";
  logLevel: "debug" | "info" | "warn" | "error" | "none";
}

export interface Resolved {
  config: ResolvedConfig;
  /** What is allowed but will not do what its user may expect. */
  warnings: string[];
}

/** Turns raw values, and the command after `--` if there was one, into a configuration or throws the first fault. */
export function resolve(raw: RawOptions, argv: readonly string[]): Resolved {
  const values = parseOptions(raw);
  const command = readCommand(values, argv);
  const transports = readTransports(values);
  refuseBearer(values);
  refuseHalfTls(values);
  refuseSharedRoutes(values, transports);
  return { config: assemble(values, command, transports), warnings: warningsOf(values, transports) };
}

function parseOptions(raw: RawOptions): Options {
  const result = options.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ConfigError(explain(raw, issue?.path ?? [], issue?.message ?? ""), { cause: result.error });
}

/** Names the flag and its value, or where in a list the value stands if it may be a secret. */
function explain(
  raw: Readonly<Record<string, unknown>>,
  path: readonly PropertyKey[],
  message: string,
): string {
  const [key = "", index = "0"] = path.map(String);
  const value = raw[key];
  const position = Array.isArray(value) && value.length > 1 ? ` (value ${Number(index) + 1})` : "";
  const refused = Array.isArray(value) ? value[Number(index)] : value;
  return `--${key}${findOption(key)?.secret ? position : ` ${shorten(refused)}`}: ${message}`;
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function readCommand(values: Options, argv: readonly string[]): ServerCommand {
  const inputs = givenInputs(values, argv);
  const [input] = inputs;
  if (input === undefined) {
    throw new ConfigError('No server given: expected --stdio "command line", or -- command [arguments...]');
  }
  if (inputs.length > 1) {
    throw new ConfigError(`More than one server given, ${inputs.join(" and ")}: expected exactly one`);
  }
  if (argv.length > 0) return directCommand(argv, "--");
  if (input === "--stdio") return lineCommand(values.stdio ?? "");
  throw new ConfigError(
    `${input}: this version serves stdio servers only; expected --stdio "command line", or -- command`,
  );
}

/** An empty `--stdio`, `--sse` or `--streamableHttp` counts as not given, as it does for supergateway. */
function givenInputs({ stdio, sse, streamableHttp }: Options, argv: readonly string[]): string[] {
  const given = Object.entries({ stdio, sse, streamableHttp }).filter(([, value = ""]) =>
    value.trim() !== ""
  );
  return [...given.map(([key]) => `--${key}`), ...argv.length > 0 ? ["a command after --"] : []];
}

function lineCommand(line: string): ServerCommand {
  const split = splitCommandLine(line);
  if (split.kind === "words") return directCommand(split.words, "--stdio");
  return { flag: "--stdio", program: line, args: [], shell: true, label: shellLabel(line) };
}

function directCommand(
  [program = "", ...args]: readonly string[],
  flag: ServerCommand["flag"],
): ServerCommand {
  if (program === "") throw new ConfigError(`${flag} "": expected the name of a program as the first word`);
  return { flag, program, args, shell: false, label: commandLabel([program, ...args]) };
}

function readTransports({ outputTransport }: Options): Transport[] {
  const transports = outputTransport.filter((name) => name !== "stdio");
  if (transports.length < outputTransport.length) {
    throw new ConfigError(
      `--outputTransport "stdio": a stdio server cannot be served over stdio yet; expected streamableHttp, sse or ws`,
    );
  }
  if (transports.length === 0) {
    throw new ConfigError(`--outputTransport "": expected streamableHttp, sse or ws`);
  }
  return [...new Set(transports)];
}

function refuseBearer({ oauth2Bearer }: Options): void {
  if (oauth2Bearer === undefined) return;
  throw new ConfigError(
    "--oauth2Bearer: protects nothing with a stdio server, since it is for remote servers; " +
      "keep strangers out by the address that --host binds or by a reverse proxy",
  );
}

function refuseHalfTls({ tlsCert, tlsKey }: Options): void {
  if ((tlsCert === undefined) === (tlsKey === undefined)) return;
  const [given, value, missing] = tlsKey === undefined
    ? ["--tlsCert", tlsCert, "--tlsKey"]
    : ["--tlsKey", tlsKey, "--tlsCert"];
  throw new ConfigError(`${given} ${shorten(value)}: expected ${missing} beside it, since HTTPS needs both`);
}

function assemble(values: Options, command: ServerCommand, transports: Transport[]): ResolvedConfig {
  const { host, port, baseUrl, ssePath, messagePath, streamableHttpPath, wsPath, stateful } = values;
  const { protocolVersion, maxSessions, maxOpenRequests, maxBufferedMessages } = values;
  const { replyMode, logFormat, logLevel } = values;
  return {
    command,
    env: Object.fromEntries(values.env),
    transports,
    ...{ host, port, baseUrl, ssePath, messagePath, streamableHttpPath, wsPath, stateful },
    ...{ protocolVersion, maxSessions, maxOpenRequests, maxBufferedMessages },
    ...{ replyMode, logFormat, logLevel },
    healthEndpoints: [...new Set(values.healthEndpoint)],
    allowedHosts: values.allowedHost,
    allowedOrigins: values.allowedOrigin,
    headers: lastOfEach(values.header),
    sessionTimeoutMs: values.sessionTimeout,
    maxBodyBytes: values.maxBodySize,
    maxMessageBytes: values.maxMessageSize,
    maxBufferedBytes: values.maxBufferedSize,
    keepAliveMs: values.keepAlive,
    startTimeoutMs: values.startTimeout,
    stopTimeoutMs: values.stopTimeout,
    shutdownTimeoutMs: values.shutdownTimeout,
    ...optionalSettings(values),
  };
}

/** Settings without a default are left out rather than undefined. */
function optionalSettings({ cwd, tlsCert, tlsKey, cors, requestTimeout }: Options) {
  return {
    ...cwd !== undefined && { cwd },
    ...tlsCert !== undefined && tlsKey !== undefined && { tlsCert, tlsKey },
    ...cors !== undefined && { cors: cors.includes("*") ? "*" as const : cors },
    ...requestTimeout !== undefined && { requestTimeoutMs: requestTimeout },
  };
}

/** Header names have no case, and of two equal ones the last wins. */
function lastOfEach(headers: Options["header"]): ResolvedConfig["headers"] {
  return [...new Map(headers.map((header) => [header[0].toLowerCase(), header])).values()];
}

function warningsOf({ stateful, header }: Options, transports: readonly Transport[]): string[] {
  const warnings: string[] = [];
  if (stateful && !transports.includes("streamableHttp")) {
    warnings.push("--stateful has no effect without the streamableHttp transport");
  }
  if (header.length > 0) {
    warnings.push("--header has no effect with a stdio server: headers are for remote servers");
  }
  return warnings;
}
