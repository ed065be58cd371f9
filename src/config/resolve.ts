import { ConfigError } from "../core/errors.ts";
import {
  findOption,
  NETWORK_TRANSPORTS,
  type Options,
  options,
  type RawOptions,
  type Transport,
} from "./options.ts";
import { refuseSharedRoutes } from "./routes.ts";
import { type Operands, readServer, type ServerInput } from "./server_input.ts";

const MAX_SHOWN = 80; // a refused value in an error message; the message stays one line

/** Every setting with its final value; nothing inside has a default of its own. */
export interface ResolvedConfig {
  server: ServerInput;
  /** What a command gets on top of the environment of Keystone. */
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
  /** For a remote server, together with those of the file. */
  headers: readonly (readonly [name: string, value: string])[];
  headerFile?: string;
  oauth2Bearer?: string;
  oauth2BearerFile?: string;
  caFile?: string;
  connectTimeoutMs: number;
  /** What never reached a remote server is sent again so often, with pauses that double. */
  retry: { attempts: number; firstDelayMs: number; maxDelayMs: number };
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

/** Turns raw values, and what stands besides the flags, into a configuration or throws the first fault. */
export function resolve(raw: RawOptions, operands: Operands): Resolved {
  const values = parseOptions(raw);
  const server = readServer(values, operands);
  const transports = readTransports(values, server);
  refuseBearer(values, server);
  refuseHalfTls(values);
  refuseSharedRoutes(values, transports);
  return { config: assemble(values, server, transports), warnings: warningsOf(values, server, transports) };
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

/** A remote server is mostly wanted by a client that can only spawn a command, and a command by the network. */
function readTransports({ outputTransport }: Options, { kind }: ServerInput): Transport[] {
  if (outputTransport?.length === 0) {
    throw new ConfigError(`--outputTransport "": expected streamableHttp, sse, ws or stdio`);
  }
  return [...new Set(outputTransport ?? (kind === "remote" ? ["stdio" as const] : NETWORK_TRANSPORTS))];
}

function refuseBearer({ oauth2Bearer, oauth2BearerFile }: Options, { kind }: ServerInput): void {
  if (oauth2Bearer !== undefined && oauth2BearerFile !== undefined) {
    throw new ConfigError("--oauth2BearerFile: expected it or --oauth2Bearer, but both are given");
  }
  if (kind === "remote" || (oauth2Bearer ?? oauth2BearerFile) === undefined) return;
  const flag = oauth2Bearer === undefined ? "--oauth2BearerFile" : "--oauth2Bearer";
  throw new ConfigError(
    `${flag}: protects nothing with a stdio server, since it is for remote servers; ` +
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

function assemble(values: Options, server: ServerInput, transports: Transport[]): ResolvedConfig {
  return {
    server,
    env: Object.fromEntries(values.env),
    transports,
    ...pick(values, [
      ...["host", "port", "baseUrl", "ssePath", "messagePath", "streamableHttpPath", "wsPath"] as const,
      ...["stateful", "protocolVersion", "replyMode", "logFormat", "logLevel"] as const,
      ...["maxSessions", "maxOpenRequests", "maxBufferedMessages"] as const,
    ]),
    healthEndpoints: [...new Set(values.healthEndpoint)],
    allowedHosts: values.allowedHost,
    allowedOrigins: values.allowedOrigin,
    headers: lastOfEach(values.header),
    sessionTimeoutMs: values.sessionTimeout,
    maxBodyBytes: values.maxBodySize,
    maxMessageBytes: values.maxMessageSize,
    maxBufferedBytes: values.maxBufferedSize,
    keepAliveMs: values.keepAlive,
    connectTimeoutMs: values.connectTimeout,
    retry: {
      attempts: values.retryAttempts,
      firstDelayMs: values.retryDelay,
      maxDelayMs: values.retryMaxDelay,
    },
    startTimeoutMs: values.startTimeout,
    stopTimeoutMs: values.stopTimeout,
    shutdownTimeoutMs: values.shutdownTimeout,
    ...given({
      ...pick(values, ["cwd", "tlsCert", "tlsKey", "caFile"]),
      ...pick(values, ["headerFile", "oauth2Bearer", "oauth2BearerFile"]),
      cors: values.cors?.includes("*") ? "*" as const : values.cors,
      requestTimeoutMs: values.requestTimeout,
    }),
  };
}

function pick<T, K extends keyof T>(values: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, values[key]])) as Pick<T, K>;
}

/** Settings without a default are left out rather than undefined. */
function given<T extends object>(settings: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Header names have no case, and of two equal ones the last wins. */
function lastOfEach(headers: Options["header"]): ResolvedConfig["headers"] {
  return [...new Map(headers.map((header) => [header[0].toLowerCase(), header])).values()];
}

function warningsOf(values: Options, { kind }: ServerInput, transports: readonly Transport[]): string[] {
  const { stateful, header, headerFile, caFile, env, cwd } = values;
  const warnings: string[] = [];
  if (stateful && !transports.includes("streamableHttp")) {
    warnings.push("--stateful has no effect without the streamableHttp transport");
  }
  const meaningless = kind === "command"
    ? { header: header.length > 0, headerFile: headerFile !== undefined, caFile: caFile !== undefined }
    : { env: env.length > 0, cwd: cwd !== undefined };
  const why = kind === "command"
    ? "a stdio server: it is for remote servers"
    : "a remote server: it is for commands";
  for (const [flag, present] of Object.entries(meaningless)) {
    if (present) warnings.push(`--${flag} has no effect with ${why}`);
  }
  return warnings;
}
