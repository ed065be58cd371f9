/**
 * The one table of options. Flags, help and defaults come from it, and so can environment variables, the keys of a
 * file and a JSON Schema: each schema takes text as well as what a file would naturally hold.
 */
import * as z from "zod";
import {
  baseUrl,
  bearerToken,
  corsOrigin,
  headerLine,
  hostHeader,
  HTTP,
  httpPath,
  listenHost,
  origin,
  remoteUrl,
  WEB_SOCKET,
} from "./network_values.ts";
import { choice, duration, keyValue, nonEmpty, onOff, size, wholeNumber } from "./values.ts";

/** Wires that clients can be served on, in the order in which they are announced. */
export const NETWORK_TRANSPORTS = ["streamableHttp", "sse", "ws"] as const;
const TRANSPORTS = [...NETWORK_TRANSPORTS, "stdio"] as const;
export type Transport = typeof TRANSPORTS[number];

/** The headings of the help, in its order. */
export type OptionGroup =
  | "Server"
  | "Children"
  | "Clients"
  | "Network"
  | "Streamable HTTP"
  | "Security"
  | "Limits"
  | "Lifetime"
  | "Logging"
  | "Remote servers";

export interface OptionMeta {
  group: OptionGroup;
  /** What stands for the value in the help; a switch has none. */
  value?: string;
  description: string;
  /** How a list is written: a flag for each value, several values after one flag, or values joined by commas. */
  list?: "repeated" | "greedy" | "commas";
  /** What the flag means without a value. */
  bare?: string;
  /** The value never appears in a message. */
  secret?: true;
  /** One of the few that most people need: the help begins with it. */
  common?: true;
  /** Given twice it is refused: the last one would silently take the place of the first. */
  single?: true;
  /** As a user would write it. */
  default?: unknown;
}

const registry = z.registry<OptionMeta>();

export const options = z.object({
  stdio: option(z.string(), {
    group: "Server",
    value: "<command line>",
    description: "MCP server to run; words as in a shell, which starts only if the line needs one",
    secret: true,
    single: true,
    common: true,
  }),
  env: option(z.array(keyValue()), {
    group: "Server",
    value: "<KEY=VALUE>",
    description: "environment variable for the server, on top of those of Keystone; repeatable",
    list: "repeated",
    secret: true,
    default: [],
    common: true,
  }),
  cwd: option(nonEmpty("expected a directory"), {
    group: "Server",
    value: "<directory>",
    description: "where the server runs (default: here)",
  }),
  startTimeout: option(duration({ min: 1 }), {
    group: "Server",
    value: "<time>",
    description:
      "time for a handshake that Keystone plays: with a shared server, or one that was started again",
    default: "60s",
  }),
  tryAtStart: option(onOff(), {
    group: "Server",
    description:
      "start the server at once, to tell if that cannot be done; it is kept where all share it, else stopped again",
    bare: "true",
    default: true,
  }),
  exitOnFailure: option(onOff(), {
    group: "Server",
    description: "end with code 1 when the server cannot be started at once",
    bare: "true",
    default: false,
  }),
  stopTimeout: option(duration({ min: 0 }), {
    group: "Server",
    value: "<time>",
    description: "time for a server between SIGTERM and SIGKILL",
    default: "5s",
  }),
  children: option(choice(["auto", "session", "principal", "shared", "request"]), {
    group: "Children",
    value: "<mode>",
    description:
      "one server process for each session, principal, request, or one shared by all; auto is session, " +
      "and principal for stateless callers",
    default: "auto",
  }),
  prewarm: option(wholeNumber({ min: 0 }), {
    group: "Children",
    value: "<count>",
    description: "children started ahead, where each session or request gets one",
    default: 0,
  }),
  maxChildren: option(wholeNumber({ min: 1 }), {
    group: "Children",
    value: "<count>",
    description: "children at a time",
    default: 100,
  }),
  restart: option(choice(["on-failure", "always", "never"]), {
    group: "Children",
    value: "<when>",
    description:
      "a child that ended by itself is started again on-failure, always or never; after a good end " +
      "on-failure waits for the next request",
    default: "on-failure",
  }),
  restartDelay: option(duration({ min: 0 }), {
    group: "Children",
    value: "<time>",
    description:
      "longest pause before the second restart in a row; the first has none, and it doubles each time",
    default: "500ms",
  }),
  restartMaxDelay: option(duration({ min: 0 }), {
    group: "Children",
    value: "<time>",
    description: "longest pause of all before a restart",
    default: "30s",
  }),
  crashLimit: option(wholeNumber({ min: 1 }), {
    group: "Children",
    value: "<count>",
    description:
      "so many ends of children that had answered no call yet, within --crashWindow, are a failed server",
    default: 5,
  }),
  crashWindow: option(duration({ min: 1 }), {
    group: "Children",
    value: "<time>",
    description: "how long such an end counts",
    default: "1m",
  }),
  crashProbe: option(duration({ min: 1 }), {
    group: "Children",
    value: "<time>",
    description: "pause between tries to start a failed server",
    default: "30s",
  }),
  outputTransport: option(z.array(choice(TRANSPORTS)), {
    group: "Clients",
    value: "<names>",
    description: "how clients are served: any of streamableHttp, sse, ws and stdio, joined by commas or " +
      "repeated (default: stdio for a remote server, the other three for a command)",
    list: "commas",
    common: true,
  }),
  streamableHttpPath: option(httpPath(), {
    group: "Clients",
    value: "<path>",
    description: "Streamable HTTP",
    default: "/mcp",
  }),
  ssePath: option(httpPath(), {
    group: "Clients",
    value: "<path>",
    description: "SSE: the event stream",
    default: "/sse",
  }),
  messagePath: option(httpPath(), {
    group: "Clients",
    value: "<path>",
    description: "SSE: where clients post their messages",
    default: "/message",
  }),
  wsPath: option(httpPath(), {
    group: "Clients",
    value: "<path>",
    description: "WebSocket",
    default: "/ws",
  }),
  baseUrl: option(baseUrl(), {
    group: "Clients",
    value: "<url>",
    description:
      "what clients must put before the paths, a URL or a path: the SSE endpoint event has it, and a URL the banner",
    default: "",
  }),
  healthEndpoint: option(z.array(httpPath()), {
    group: "Clients",
    value: "<paths...>",
    description: 'paths that answer "ok"; /health reports in any case',
    list: "greedy",
    default: [],
  }),
  keepAlive: option(duration({ min: 1 }), {
    group: "Clients",
    value: "<time>",
    description: "pause between signs of life on open streams",
    default: "15s",
  }),
  host: option(listenHost(), {
    group: "Network",
    value: "<host>",
    description: "address to listen on",
    default: "127.0.0.1",
    common: true,
  }),
  port: option(wholeNumber({ min: 0, max: 65535 }), {
    group: "Network",
    value: "<port>",
    description: "port; 0 takes a free one",
    default: 8000,
    common: true,
  }),
  tlsCert: option(nonEmpty("expected a PEM file"), {
    group: "Network",
    value: "<file>",
    description: "certificate chain (PEM): serves HTTPS and wss; needs --tlsKey",
  }),
  tlsKey: option(nonEmpty("expected a PEM file"), {
    group: "Network",
    value: "<file>",
    description: "private key (PEM) of --tlsCert",
  }),
  maxConnections: option(wholeNumber({ min: 1 }), {
    group: "Network",
    value: "<count>",
    description:
      "connections at a time, the idlest gives way (default: what the limit of open files leaves, 10000 at most)",
  }),
  maxConnectionsPerAddress: option(wholeNumber({ min: 1 }), {
    group: "Network",
    value: "<count>",
    description: "connections of one address (IPv6: one /64) other than loopback (default: half of all)",
  }),
  maxHeaderSize: option(size(), {
    group: "Network",
    value: "<size>",
    description: "head of the first request on a connection",
    default: "64k",
  }),
  headerTimeout: option(duration({ min: 1 }), {
    group: "Network",
    value: "<time>",
    description: "time for a new connection to bring a complete request head",
    default: "10s",
  }),
  idleTimeout: option(duration({ min: 1 }), {
    group: "Network",
    value: "<time>",
    description: "ends a connection that has been without a request for so long, twice as long at most",
    default: "75s",
  }),
  stateful: option(onOff(), {
    group: "Streamable HTTP",
    description:
      "a session for each client, with a server process of its own unless --children says otherwise",
    bare: "true",
    default: false,
    common: true,
  }),
  sessionTimeout: option(duration({ min: 1 }), {
    group: "Streamable HTTP",
    value: "<time>",
    description: "ends a session that has been idle for so long",
    default: "30m",
  }),
  protocolVersion: option(choice(["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]), {
    group: "Streamable HTTP",
    value: "<version>",
    description: "MCP version offered where Keystone plays the handshake",
    default: "2025-11-25",
  }),
  replyMode: option(choice(["auto", "json", "sse"]), {
    group: "Streamable HTTP",
    value: "<mode>",
    description: "answers as json, sse or auto",
    default: "auto",
  }),
  eventStore: option(choice(["memory", "none"]), {
    group: "Streamable HTTP",
    value: "<kind>",
    description: "where events of streams are kept, so that a client can resume: memory or none",
    default: "memory",
  }),
  eventStoreSize: option(size(), {
    group: "Streamable HTTP",
    value: "<size>",
    description: "how much is kept of all sessions together",
    default: "64m",
  }),
  eventStoreCount: option(wholeNumber({ min: 1 }), {
    group: "Streamable HTTP",
    value: "<count>",
    description: "how many events are kept of one session",
    default: 1000,
  }),
  eventStoreAge: option(duration({ min: 1 }), {
    group: "Streamable HTTP",
    value: "<time>",
    description: "how long an event is kept",
    default: "30m",
  }),
  cors: option(z.array(corsOrigin()), {
    group: "Security",
    value: "[origins...]",
    description: "origins of web pages to let in, also as /regex/; any (*) if none is named",
    list: "greedy",
    bare: "*",
    common: true,
  }),
  allowedOrigin: option(z.array(origin()), {
    group: "Security",
    value: "<origins...>",
    description: "origins to accept without CORS headers; * is any",
    list: "greedy",
    default: [],
  }),
  allowedHost: option(z.array(hostHeader()), {
    group: "Security",
    value: "<hosts...>",
    description: "Host headers to accept besides those of the listening address; * is any",
    list: "greedy",
    default: [],
    common: true,
  }),
  maxSessions: option(wholeNumber({ min: 1 }), {
    group: "Limits",
    value: "<count>",
    description: "sessions at a time",
    default: 100,
  }),
  evictAfter: option(duration({ min: 0 }), {
    group: "Limits",
    value: "<time>",
    description:
      "a session without open request or stream that has been idle for so long may be ended to make room",
    default: "1m",
  }),
  queueTimeout: option(duration({ min: 0 }), {
    group: "Limits",
    value: "<time>",
    description: "how long a client waits for room where --maxSessions or --maxChildren is reached",
    default: "5s",
  }),
  maxOpenRequests: option(wholeNumber({ min: 1 }), {
    group: "Limits",
    value: "<count>",
    description: "open requests of one session",
    default: 1000,
  }),
  maxBufferedMessages: option(wholeNumber({ min: 1 }), {
    group: "Limits",
    value: "<count>",
    description: "messages of one session that may wait: for a slow server, or for a stream to open",
    default: 1000,
  }),
  maxBufferedSize: option(size(), {
    group: "Limits",
    value: "<size>",
    description: "how large such waiting messages may be together",
    default: "64m",
  }),
  maxBodySize: option(size(), {
    group: "Limits",
    value: "<size>",
    description: "body of a request",
    default: "4m",
  }),
  maxMessageSize: option(size(), {
    group: "Limits",
    value: "<size>",
    description: "message of the server",
    default: "16m",
  }),
  requestTimeout: option(duration({ min: 1 }), {
    group: "Limits",
    value: "<time>",
    description: "time for the server to answer a request, counted anew at each progress (default: none)",
  }),
  maxRequestTime: option(duration({ min: 1 }), {
    group: "Limits",
    value: "<time>",
    description: "time for a request whatever its progress",
    default: "24h",
  }),
  progressHeartbeat: option(duration({ min: 1 }), {
    group: "Limits",
    value: "<time>",
    description:
      "a call that asked for progress is told that it still runs after so much silence (default: never)",
  }),
  maxSubscriptions: option(wholeNumber({ min: 1 }), {
    group: "Limits",
    value: "<count>",
    description: "resources that one session may be subscribed to",
    default: 500,
  }),
  maxUriLength: option(wholeNumber({ min: 1 }), {
    group: "Limits",
    value: "<count>",
    description: "characters of the URI of a subscription, and of an update that is brought to subscribers",
    default: 8192,
  }),
  maxHandshakeSize: option(size(), {
    group: "Limits",
    value: "<size>",
    description: "what a client says of itself in initialize",
    default: "256k",
  }),
  maxIdLength: option(wholeNumber({ min: 1 }), {
    group: "Limits",
    value: "<count>",
    description: "characters of the id, the progress token and the method of a request",
    default: 1024,
  }),
  // The runtime writes JSON by recursion where it cannot do otherwise, and has room for twice this depth.
  maxDepth: option(wholeNumber({ min: 16, max: 4096 }), {
    group: "Limits",
    value: "<count>",
    description: "levels of objects and arrays in one another, in a message of either side",
    default: 512,
  }),
  maxBatch: option(wholeNumber({ min: 1 }), {
    group: "Limits",
    value: "<count>",
    description: "messages of one batch, of either side",
    default: 100,
  }),
  maxBodyParts: option(wholeNumber({ min: 100 }), {
    group: "Limits",
    value: "<count>",
    description: "objects, arrays and strings in the body of a request, keys included",
    default: 100_000,
  }),
  maxMessageParts: option(wholeNumber({ min: 100 }), {
    group: "Limits",
    value: "<count>",
    description: "the same of a message of the server",
    default: 1_000_000,
  }),
  maxBodiesInFlight: option(size(), {
    group: "Limits",
    value: "<size>",
    description: "bodies of all requests together that are on their way or waiting to be passed on",
    default: "128m",
  }),
  bodyTimeout: option(duration({ min: 1 }), {
    group: "Limits",
    value: "<time>",
    description: "time for the whole body of a request to arrive",
    default: "60s",
  }),
  maxUnreadSize: option(size(), {
    group: "Limits",
    value: "<size>",
    description:
      "answers and events of all clients together that they have not read; the slowest is ended first",
    default: "128m",
  }),
  stallTimeout: option(duration({ min: 1 }), {
    group: "Limits",
    value: "<time>",
    description:
      "ends an answer or a stream for which something waits and of which nothing is read for so long",
    default: "60s",
  }),
  exitWithParent: option(onOff(), {
    group: "Lifetime",
    description: "stop when the process that started Keystone has ended",
    bare: "true",
    default: false,
  }),
  idleExit: option(duration({ min: 1 }), {
    group: "Lifetime",
    value: "<time>",
    description: "stop when no request, stream or socket has been open for so long (default: never)",
  }),
  shutdownTimeout: option(duration({ min: 0 }), {
    group: "Lifetime",
    value: "<time>",
    description: "time for open requests when Keystone is stopped or its stdin ends",
    default: "5s",
  }),
  logLevel: option(choice(["debug", "info", "warn", "error", "none"]), {
    group: "Logging",
    value: "<level>",
    description: "debug, info, warn, error or none; only debug shows messages",
    default: "info",
    common: true,
  }),
  logFormat: option(choice(["text", "json"]), {
    group: "Logging",
    value: "<format>",
    description: "text or json",
    default: "text",
  }),
  slowRequest: option(duration({ min: 0 }), {
    group: "Logging",
    value: "<time>",
    description: "tells of a call that takes so long, while it is open and once it is over; 0 never does",
    default: "10s",
  }),
  streamableHttp: option(remoteUrl(HTTP), {
    group: "Remote servers",
    value: "<url>",
    description: "MCP server over Streamable HTTP; a URL alone finds out whether it is this or SSE",
    secret: true,
    single: true,
  }),
  sse: option(remoteUrl(HTTP), {
    group: "Remote servers",
    value: "<url>",
    description: "MCP server over SSE",
    secret: true,
    single: true,
  }),
  ws: option(remoteUrl(WEB_SOCKET), {
    group: "Remote servers",
    value: "<url>",
    description: "MCP server over WebSocket",
    secret: true,
    single: true,
  }),
  header: option(z.array(headerLine()), {
    group: "Remote servers",
    value: "<headers...>",
    description: 'headers "Name: value" for a remote server; no effect on a command',
    list: "greedy",
    secret: true,
    default: [],
    common: true,
  }),
  headerFile: option(nonEmpty("expected a file"), {
    group: "Remote servers",
    value: "<file>",
    description: "file with such headers, one a line, which keeps them out of the process list",
  }),
  oauth2Bearer: option(bearerToken(), {
    group: "Remote servers",
    value: "<token>",
    description: "bearer token for a remote server; refused with a command",
    secret: true,
  }),
  oauth2BearerFile: option(nonEmpty("expected a file"), {
    group: "Remote servers",
    value: "<file>",
    description: "file with such a token",
  }),
  caFile: option(nonEmpty("expected a PEM file"), {
    group: "Remote servers",
    value: "<file>",
    description: "certificate authorities (PEM) to trust besides the usual ones",
  }),
  connectTimeout: option(duration({ min: 1 }), {
    group: "Remote servers",
    value: "<time>",
    description: "time for an event stream or a socket to open",
    default: "30s",
  }),
  // Of what is widely used, gunicorn waits least: 2 s. Node and uvicorn wait 5 s.
  remoteIdleTimeout: option(duration({ min: 1 }), {
    group: "Remote servers",
    value: "<time>",
    description:
      "how long an idle connection may be used again, less than the server itself keeps one; not for WebSocket",
    default: "1500ms",
  }),
  retryAttempts: option(wholeNumber({ min: 0 }), {
    group: "Remote servers",
    value: "<count>",
    description: "how often to try again what never reached the server",
    default: 4,
  }),
  retryDelay: option(duration({ min: 0 }), {
    group: "Remote servers",
    value: "<time>",
    description:
      "longest pause before the first repetition; it doubles each time, and a random part of it is taken",
    default: "500ms",
  }),
  retryMaxDelay: option(duration({ min: 0 }), {
    group: "Remote servers",
    value: "<time>",
    description: "longest pause of all",
    default: "30s",
  }),
  allowPrivateRedirects: option(onOff(), {
    group: "Remote servers",
    description:
      "follow a redirect to this machine or into another network than that of the URL: private, or public",
    bare: "true",
    default: false,
  }),
});

export type OptionKey = keyof typeof options.shape;
/** Values after parsing, with defaults. */
export type Options = z.output<typeof options>;
/** Values as a flag, and later a variable or a file, gives them. */
export type RawOptions = Readonly<Partial<Record<OptionKey, unknown>>>;

/** Every option of the table, in the order of the help. */
export function optionEntries(): [OptionKey, OptionMeta][] {
  const keys = Object.keys(options.shape) as OptionKey[];
  return keys.map((key) => [key, registry.get(options.shape[key])!]);
}

/** Undefined for a name that is not in the table. */
export function findOption(name: string): OptionMeta | undefined {
  return Object.hasOwn(options.shape, name) ? registry.get(options.shape[name as OptionKey]) : undefined;
}

function option<S extends z.ZodType>(type: S, meta: OptionMeta & { default: z.input<S> }): z.ZodPrefault<S>;
function option<S extends z.ZodType>(type: S, meta: OptionMeta): z.ZodOptional<S>;
function option<S extends z.ZodType>(type: S, meta: OptionMeta): z.ZodType {
  const schema = meta.default === undefined ? type.optional() : type.prefault(meta.default as z.input<S>);
  return schema.register(registry, meta);
}
