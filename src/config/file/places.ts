/** Where each option stands in a configuration file: in which section, and by which name there. */
import { findOption, isServerOption, type OptionKey, type WhichServerKey } from "../options.ts";

/** What a file says of a server by `command` and `url`. */
type PlacedKey = Exclude<OptionKey, WhichServerKey>;

/** By section, then by the name in it. What concerns a server is there for all servers, and below each by its own key. */
const SECTIONS = {
  listen: {
    host: "host",
    port: "port",
    allowedHost: "allowedHost",
    trustProxy: "trustProxy",
    allowIp: "allowIp",
    denyIp: "denyIp",
  },
  tls: {
    cert: "tlsCert",
    key: "tlsKey",
    selfSigned: "tlsSelfSigned",
    httpRedirectPort: "httpRedirectPort",
  },
  auth: {
    kinds: "auth",
    unauthenticated: "unauthenticated",
    optional: "authOptional",
    anonymousScope: "anonymousScope",
    apiKeyFile: "apiKeyFile",
    apiKeyInQuery: "apiKeyInQuery",
    bearerToken: "bearerToken",
    bearerTokenFile: "bearerTokenFile",
    basicUserFile: "basicUserFile",
    authorizedKeys: "authorizedKeys",
    signatureSkew: "signatureSkew",
    maxNonces: "maxNonces",
    identity: "identity",
    attempts: "authAttempts",
    attemptWindow: "authAttemptWindow",
    wait: "authWait",
    maxWait: "authMaxWait",
    jwtIssuer: "jwtIssuer",
    jwtAudience: "jwtAudience",
    jwtJwksUrl: "jwtJwksUrl",
    jwtJwksFile: "jwtJwksFile",
    jwtAlgorithm: "jwtAlgorithm",
    jwtClockSkew: "jwtClockSkew",
    jwtKeysAge: "jwtKeysAge",
    jwtRefetchPause: "jwtRefetchPause",
    jwtFetchTimeout: "jwtFetchTimeout",
    jwtMaxFetchSize: "jwtMaxFetchSize",
    jwtMaxTokens: "jwtMaxTokens",
    requiredScope: "requiredScope",
  },
  cors: {
    origins: "cors",
    allowedOrigin: "allowedOrigin",
  },
  clients: {
    outputTransport: "outputTransport",
    streamableHttpPath: "streamableHttpPath",
    ssePath: "ssePath",
    messagePath: "messagePath",
    wsPath: "wsPath",
    baseUrl: "baseUrl",
    basePath: "basePath",
    healthEndpoint: "healthEndpoint",
    stateful: "stateful",
    replyMode: "replyMode",
    protocolVersion: "protocolVersion",
    serverEra: "serverEra",
    headerToEnv: "headerToEnv",
    headerToHeader: "headerToHeader",
  },
  children: {
    mode: "children",
    env: "env",
    cwd: "cwd",
    prewarm: "prewarm",
    max: "maxChildren",
    tryAtStart: "tryAtStart",
    exitOnFailure: "exitOnFailure",
    restart: "restart",
    restartDelay: "restartDelay",
    restartMaxDelay: "restartMaxDelay",
    crashLimit: "crashLimit",
    crashWindow: "crashWindow",
    crashProbe: "crashProbe",
  },
  filter: {
    allowTools: "allowTools",
    denyTools: "denyTools",
    allowPrompts: "allowPrompts",
    denyPrompts: "denyPrompts",
    allowResources: "allowResources",
    denyResources: "denyResources",
  },
  remote: {
    headers: "header",
    headerFile: "headerFile",
    oauth2Bearer: "oauth2Bearer",
    oauth2BearerFile: "oauth2BearerFile",
    keypair: "keypair",
    serverKey: "serverKey",
    knownHosts: "knownHosts",
    caFile: "caFile",
    retryAttempts: "retryAttempts",
    retryDelay: "retryDelay",
    retryMaxDelay: "retryMaxDelay",
    allowPrivateRedirects: "allowPrivateRedirects",
  },
  events: {
    store: "eventStore",
    size: "eventStoreSize",
    count: "eventStoreCount",
    age: "eventStoreAge",
  },
  limits: {
    maxConnections: "maxConnections",
    maxConnectionsPerAddress: "maxConnectionsPerAddress",
    maxHeaderSize: "maxHeaderSize",
    rate: "rateLimit",
    burst: "rateBurst",
    maxTrackedCallers: "maxTrackedCallers",
    maxSessions: "maxSessions",
    maxSessionsPerPrincipal: "maxSessionsPerPrincipal",
    maxOpenRequests: "maxOpenRequests",
    maxBufferedMessages: "maxBufferedMessages",
    maxBufferedSize: "maxBufferedSize",
    maxBodySize: "maxBodySize",
    maxMessageSize: "maxMessageSize",
    maxParkedCalls: "maxParkedCalls",
    maxParkedPerPrincipal: "maxParkedPerPrincipal",
    maxSubscriptions: "maxSubscriptions",
    maxUriLength: "maxUriLength",
    maxHandshakeSize: "maxHandshakeSize",
    maxIdLength: "maxIdLength",
    maxDepth: "maxDepth",
    maxBatch: "maxBatch",
    maxBodyParts: "maxBodyParts",
    maxMessageParts: "maxMessageParts",
    maxBodiesInFlight: "maxBodiesInFlight",
    maxUnreadSize: "maxUnreadSize",
  },
  timeouts: {
    request: "requestTimeout",
    call: "callTimeout",
    maxRequestTime: "maxRequestTime",
    session: "sessionTimeout",
    start: "startTimeout",
    eraProbe: "eraProbeTimeout",
    parked: "parkedTtl",
    stop: "stopTimeout",
    shutdown: "shutdownTimeout",
    queue: "queueTimeout",
    evictAfter: "evictAfter",
    header: "headerTimeout",
    idle: "idleTimeout",
    body: "bodyTimeout",
    stall: "stallTimeout",
    connect: "connectTimeout",
    remoteIdle: "remoteIdleTimeout",
    keepAlive: "keepAlive",
    progressHeartbeat: "progressHeartbeat",
  },
  lifetime: {
    exitWithParent: "exitWithParent",
    watch: "watch",
    idleExit: "idleExit",
  },
  callers: {
    headerToEnv: "headerToEnv",
    headerToHeader: "headerToHeader",
  },
  log: {
    level: "logLevel",
    format: "logFormat",
    slowRequest: "slowRequest",
    file: "logFile",
    maxSize: "logMaxSize",
    keep: "logKeep",
  },
  audit: {
    file: "auditLog",
    arguments: "auditArguments",
    maxSize: "auditMaxSize",
    keep: "auditKeep",
  },
  admin: {
    port: "runtimeAdminPort",
    prompt: "runtimePrompt",
    stateDir: "stateDir",
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, PlacedKey>>>>;

type Sections = typeof SECTIONS;
type SectionName = keyof Sections;
type KeysOf<S> = S extends unknown ? S[keyof S] : never;
type Listed = KeysOf<Sections[SectionName]>;

export interface Place {
  readonly section: SectionName;
  readonly name: string;
}

/** In the order of the table. */
export function sectionEntries(): [SectionName, [name: string, key: PlacedKey][]][] {
  return Object.entries(SECTIONS).map(([section, names]) => [section as SectionName, Object.entries(names)]);
}

export const SECTION_NAMES = sectionEntries().map(([section]) => section);

const PLACES = placesOfAll();

/** Undefined for what a file says in another way. */
export function placeOf(key: string): Place | undefined {
  return Object.hasOwn(PLACES, key) ? PLACES[key as PlacedKey] : undefined;
}

/** As a message calls it. */
export function nameInFile(key: string): string {
  const place = placeOf(key);
  return place ? `${place.section}.${place.name}` : key;
}

/** Every option has a place: the types do not fit where one has none. */
function placesOfAll(): Readonly<Record<PlacedKey, Place>> {
  const entries = sectionEntries().flatMap(([section, names]) =>
    names.map(([name, key]) => [key, { section, name }] as const)
  );
  const places = Object.fromEntries(entries) as Record<Listed, Place>;
  return places;
}

interface Pairs {
  /** What stands between a name and its value elsewhere. */
  readonly between: string;
  /** What no name may have in it, since the value would begin there. */
  readonly notInName?: string;
}

/** What may be a record in a file, and is a list of pairs elsewhere. */
export const RECORDS: Readonly<Record<string, Pairs>> = {
  env: { between: "=", notInName: "=" },
  header: { between: ": ", notInName: ":" },
  callTimeout: { between: "=" },
  headerToEnv: { between: "=", notInName: "=" },
  headerToHeader: { between: "=", notInName: "=" },
} satisfies Partial<Record<PlacedKey, Pairs>>;

/** One pair as a name and its value. */
export function splitPair(key: string, pair: string): readonly [name: string, value: string] {
  const { between, notInName } = RECORDS[key] ?? { between: "" };
  const at = notInName === undefined ? pair.lastIndexOf(between) : pair.indexOf(notInName);
  return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}

/** Whether the value is the path of a file or a folder. */
export function isPath(key: string): boolean {
  return /^<(file|directory)>$/.test(findOption(key)?.value ?? "");
}

/** The option of a section by its name there. */
export function keyInSection(section: string, name: string): OptionKey | undefined {
  const [, names = []] = sectionEntries().find(([one]) => one === section) ?? [];
  return names.find(([one]) => one === name)?.[1];
}

/** The option of a server by its name there. */
export function keyOfServer(name: string): OptionKey | undefined {
  const key = name === "headers" ? "header" : name;
  return name !== "header" && isServerOption(key) ? key : undefined;
}

/** What an option is called below a server. */
export function serverKeyName(key: string): string {
  return key === "header" ? "headers" : key;
}
