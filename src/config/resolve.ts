import { ConfigError } from "../core/errors.ts";
import type { MessageLimits } from "../core/message/message_limits.ts";
import {
  findOption,
  NETWORK_TRANSPORTS,
  type OptionKey,
  type Options,
  options,
  type RawOptions,
  type Transport,
} from "./options.ts";
import { refuseContradictions } from "./contradictions.ts";
import { doubtfulUnits } from "./doubtful_units.ts";
import { refuseSharedRoutes } from "./routes.ts";
import { type Operands, readServer, type ServerInput } from "./server_input.ts";
import { NO_ORIGIN } from "./network_values.ts";
import { vainPatterns } from "./vain_patterns.ts";

const MAX_SHOWN = 80; // a refused value in an error message; the message stays one line

/** Every setting with its final value; nothing inside has a default of its own. */
export interface ResolvedConfig {
  server: ServerInput;
  /** What a command gets on top of the environment of Keystone. */
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /** Before anybody comes. */
  tryAtStart: boolean;
  /** Where that fails. */
  exitOnFailure: boolean;
  /** Which child answers whom. */
  children: "auto" | "session" | "principal" | "shared" | "request";
  prewarm: number;
  maxChildren: number;
  restart: "on-failure" | "always" | "never";
  /** Pauses between restarts in a row. */
  restartDelay: { firstDelayMs: number; maxDelayMs: number };
  /** When a server that keeps ending counts as failed, and when it is tried again. */
  crash: { limit: number; windowMs: number; probeMs: number };
  transports: readonly Transport[];
  host: string;
  port: number;
  /** Paths of PEM files: both or neither. */
  tlsCert?: string;
  tlsKey?: string;
  /** By default what the limit of open files leaves, and half of that. */
  maxConnections?: number;
  maxConnectionsPerAddress?: number;
  maxHeaderBytes: number;
  headerTimeoutMs: number;
  idleTimeoutMs: number;
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
  /** Also where nobody typed an address of that network. */
  allowPrivateRedirects: boolean;
  connectTimeoutMs: number;
  /** An HTTP connection that has been idle for so long is not used again. */
  remoteIdleMs: number;
  /** What never reached a remote server is sent again so often, with pauses that double. */
  retry: { attempts: number; firstDelayMs: number; maxDelayMs: number };
  stateful: boolean;
  sessionTimeoutMs: number;
  eventStore: "memory" | "none";
  /** How much the event store keeps: of all sessions, of one, and for how long. */
  eventLimits: { bytes: number; events: number; ageMs: number };
  /** What is offered to a server at which Keystone plays the handshake. */
  protocolVersion: string;
  maxBodyBytes: number;
  maxMessageBytes: number;
  /** Of the structure of a message, before it is parsed. */
  clientLimits: MessageLimits;
  serverLimits: MessageLimits;
  maxSessions: number;
  /** From which idle time on a session may be ended to make room. */
  evictAfterMs: number;
  /** How long a client waits for such room. */
  queueTimeoutMs: number;
  /** Of one session. */
  maxOpenRequests: number;
  /** Messages of one session that may wait, each way, and how large they may be together. */
  maxBufferedMessages: number;
  maxBufferedBytes: number;
  /** Of one session. */
  maxSubscriptions: number;
  maxUriChars: number;
  maxHandshakeChars: number;
  /** Of the id, the progress token and the method of a request. */
  maxIdChars: number;
  /** Of the bodies of all requests together. */
  maxBodiesBytes: number;
  bodyTimeoutMs: number;
  /** Of what all clients together have not read. */
  maxUnreadBytes: number;
  stallTimeoutMs: number;
  /** Since the request, or its last progress. */
  requestTimeoutMs?: number;
  /** Since the request, whatever its progress. */
  maxRequestMs: number;
  progressHeartbeatMs?: number;
  exitWithParent: boolean;
  idleExitMs?: number;
  keepAliveMs: number;
  startTimeoutMs: number;
  stopTimeoutMs: number;
  shutdownTimeoutMs: number;
  replyMode: "auto" | "json" | "sse";
  /** From then on a call is told of. */
  slowRequestMs?: number;
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
  refuseCrowd(values);
  refuseUntried(values);
  refuseContradictions(raw, values);
  refuseSharedRoutes(values, transports);
  const warnings = warningsOf(raw, values, { kind: server.kind, transports });
  return { config: assemble(values, server, transports), warnings };
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

/** Children that nobody has asked for must leave room for those that somebody will ask for. */
function refuseCrowd({ prewarm, maxChildren }: Options): void {
  if (prewarm === 0 || prewarm < maxChildren) return;
  throw new ConfigError(`--prewarm "${prewarm}": expected less than --maxChildren, which is ${maxChildren}`);
}

function refuseUntried({ tryAtStart, exitOnFailure }: Options): void {
  if (tryAtStart || !exitOnFailure) return;
  throw new ConfigError(
    "--exitOnFailure: expected --tryAtStart, which is off: without it nothing is found out",
  );
}

function assemble(values: Options, server: ServerInput, transports: Transport[]): ResolvedConfig {
  return {
    server,
    env: Object.fromEntries(values.env),
    transports,
    ...pick(values, [
      ...["host", "port", "baseUrl", "ssePath", "messagePath", "streamableHttpPath", "wsPath"] as const,
      ...["stateful", "protocolVersion", "replyMode", "logFormat", "logLevel"] as const,
      ...["maxSessions", "maxOpenRequests", "maxBufferedMessages", "exitWithParent"] as const,
      "maxSubscriptions",
      ...["children", "prewarm", "maxChildren", "restart", "eventStore"] as const,
      ...["allowPrivateRedirects", "tryAtStart", "exitOnFailure"] as const,
    ]),
    healthEndpoints: [...new Set(values.healthEndpoint)],
    allowedHosts: values.allowedHost,
    allowedOrigins: values.allowedOrigin,
    headers: lastOfEach(values.header),
    restartDelay: { firstDelayMs: values.restartDelay, maxDelayMs: values.restartMaxDelay },
    crash: { limit: values.crashLimit, windowMs: values.crashWindow, probeMs: values.crashProbe },
    eventLimits: {
      bytes: values.eventStoreSize,
      events: values.eventStoreCount,
      ageMs: values.eventStoreAge,
    },
    evictAfterMs: values.evictAfter,
    queueTimeoutMs: values.queueTimeout,
    maxRequestMs: values.maxRequestTime,
    sessionTimeoutMs: values.sessionTimeout,
    maxHeaderBytes: values.maxHeaderSize,
    headerTimeoutMs: values.headerTimeout,
    idleTimeoutMs: values.idleTimeout,
    maxBodyBytes: values.maxBodySize,
    maxMessageBytes: values.maxMessageSize,
    clientLimits: limits(values, "maxBodyParts"),
    serverLimits: limits(values, "maxMessageParts"),
    maxBufferedBytes: values.maxBufferedSize,
    maxUriChars: values.maxUriLength,
    maxIdChars: values.maxIdLength,
    maxHandshakeChars: values.maxHandshakeSize,
    maxBodiesBytes: values.maxBodiesInFlight,
    bodyTimeoutMs: values.bodyTimeout,
    maxUnreadBytes: values.maxUnreadSize,
    stallTimeoutMs: values.stallTimeout,
    keepAliveMs: values.keepAlive,
    connectTimeoutMs: values.connectTimeout,
    remoteIdleMs: values.remoteIdleTimeout,
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
      ...pick(values, ["maxConnections", "maxConnectionsPerAddress"]),
      cors: values.cors?.includes("*") ? "*" as const : values.cors,
      requestTimeoutMs: values.requestTimeout,
      progressHeartbeatMs: values.progressHeartbeat,
      idleExitMs: values.idleExit,
      slowRequestMs: values.slowRequest === 0 ? undefined : values.slowRequest,
    }),
  };
}

function limits(values: Options, parts: "maxBodyParts" | "maxMessageParts"): MessageLimits {
  const { maxDepth, maxBatch } = values;
  return { maxDepth, maxBatch, maxParts: values[parts], partsOption: parts };
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

/** Flags that do something with a command alone, with a remote server alone, and with sessions alone. */
const FOR_COMMANDS = [
  ...["env", "cwd", "prewarm", "maxChildren", "restart", "restartDelay", "restartMaxDelay"] as const,
  ...["crashLimit", "crashWindow", "crashProbe", "tryAtStart", "exitOnFailure"] as const,
];
const FOR_REMOTES = ["header", "headerFile", "caFile", "remoteIdleTimeout", "allowPrivateRedirects"] as const;
const FOR_SESSIONS = ["eventStore", "eventStoreSize", "eventStoreCount", "eventStoreAge"] as const;
const FOR_EVENTS = ["eventStoreSize", "eventStoreCount", "eventStoreAge"] as const;
/** Where nothing listens on the network. */
const FOR_NETWORK = ["host", "port", "tlsCert", "tlsKey", "cors", "allowedHost", "allowedOrigin"] as const;

function warningsOf(raw: RawOptions, values: Options, context: {
  readonly kind: ServerInput["kind"];
  readonly transports: readonly Transport[];
}): string[] {
  const { kind, transports } = context;
  const sessions = values.stateful && transports.includes("streamableHttp");
  const given = (flags: readonly OptionKey[]) => flags.filter((flag) => raw[flag] !== undefined);
  return [
    ...values.stateful && !sessions ? ["--stateful has no effect without the streamableHttp transport"] : [],
    ...kind === "command"
      ? given(FOR_REMOTES).map((flag) =>
        `--${flag} has no effect with a stdio server: it is for remote servers`
      )
      : given(FOR_COMMANDS).map((flag) => `--${flag} has no effect with a remote server: it is for commands`),
    ...sessions ? [] : given(FOR_SESSIONS).map((flag) => `--${flag} has no effect without --stateful`),
    ...sessions && values.eventStore === "none"
      ? given(FOR_EVENTS).map((flag) => `--${flag} has no effect with --eventStore none`)
      : [],
    ...transports.every((transport) => transport === "stdio") ? given(FOR_NETWORK).map(onStdioAlone) : [],
    ...openToOthers(values, transports),
    ...(["cors", "allowedOrigin"] as const).filter((flag) => values[flag]?.includes(NO_ORIGIN)).map(
      openToNobody,
    ),
    ...doubtfulUnits(raw),
    ...vainPatterns(values.cors),
  ];
}

function onStdioAlone(flag: OptionKey): string {
  return `--${flag} has no effect where clients come by stdio alone: add --outputTransport streamableHttp,sse,ws`;
}

function openToNobody(flag: OptionKey): string {
  return `--${flag} ${NO_ORIGIN}: a page of any site can make itself one without an origin, in a sandboxed frame`;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** Without authentication, who reaches the address may do what the server does. */
function openToOthers({ host }: Options, transports: readonly Transport[]): string[] {
  if (LOOPBACK.test(host) || transports.every((transport) => transport === "stdio")) return [];
  return [
    `--host ${
      JSON.stringify(host)
    }: anybody who reaches this machine may call the server, since Keystone has no ` +
    "authentication; let in by a firewall, or a reverse proxy that authenticates, whom you mean, or leave --host out",
  ];
}
