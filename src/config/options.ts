/**
 * All options: the sections of the modules, under the headings of the help. Flags, help and defaults come from here, and so
 * do environment variables, the keys of a file and its JSON Schema.
 */
import * as z from "zod";
import {
  childrenOptions,
  eraOptions,
  handshakeOptions,
  heartbeatOptions,
  memoryOptions,
  restartOptions,
} from "../adapters/options.ts";
import { adminOptions } from "../admin/options.ts";
import { jwtOptions } from "../auth/jwt/options.ts";
import { authOptions } from "../auth/options.ts";
import { scopeOptions } from "../auth/scopes/options.ts";
import { processOptions } from "../backends/process/options.ts";
import { remoteOptions } from "../backends/remote/options.ts";
import { messageOptions } from "../core/message/options.ts";
import { bufferOptions, eventOptions, requestOptions, unreadOptions } from "../core/options.ts";
import { bodyOptions, clientOptions, routeOptions } from "../frontends/options.ts";
import { streamableOptions } from "../frontends/streamable/options.ts";
import { lifetimeOptions, sessionOptions } from "../gateway_options.ts";
import { listenOptions } from "../listener/options.ts";
import { auditOptions } from "../observe/audit/options.ts";
import { logOptions } from "../observe/options.ts";
import { metaOf, type OptionMeta } from "../options/section.ts";
import { callerOptions } from "../overrides/options.ts";
import { accessOptions } from "../policies/access_options.ts";
import { filterOptions, originOptions } from "../policies/options.ts";
import { promptOptions } from "../prompt/options.ts";
import { stateOptions } from "../state/options.ts";
import { tlsOptions } from "../tls/options.ts";
import { serverOptions } from "./server_options.ts";

/** What the process has once. */
const PROCESS = {
  ...clientOptions.shape,
  ...bodyOptions.shape,
  ...unreadOptions.shape,
  ...lifetimeOptions.shape,
  ...listenOptions.shape,
  ...tlsOptions.shape,
  ...originOptions.shape,
  ...accessOptions.shape,
  ...authOptions.shape,
  ...jwtOptions.shape,
  ...logOptions.shape,
  ...auditOptions.shape,
  ...adminOptions.shape,
  ...promptOptions.shape,
  ...stateOptions.shape,
};

/** What each server has. */
const SERVER = {
  ...processOptions.shape,
  ...childrenOptions.shape,
  ...handshakeOptions.shape,
  ...eraOptions.shape,
  ...restartOptions.shape,
  ...memoryOptions.shape,
  ...heartbeatOptions.shape,
  ...remoteOptions.shape,
  ...routeOptions.shape,
  ...streamableOptions.shape,
  ...messageOptions.shape,
  ...requestOptions.shape,
  ...bufferOptions.shape,
  ...eventOptions.shape,
  ...sessionOptions.shape,
  ...callerOptions.shape,
  ...filterOptions.shape,
  ...scopeOptions.shape,
};

const SHAPE = { ...serverOptions.shape, ...SERVER, ...PROCESS };

export type OptionKey = keyof typeof SHAPE;
export type ProcessKey = keyof typeof PROCESS;
export type ServerKey = keyof typeof SERVER;
/** Each way to say which server is meant. */
export type WhichServerKey = keyof typeof serverOptions.shape;

/** The headings of the help, and what stands below each, in this order. */
const HELP = {
  Server: [
    "stdio",
    "env",
    "cwd",
    "serverEra",
    "eraProbeTimeout",
    "startTimeout",
    "tryAtStart",
    "exitOnFailure",
    "stopTimeout",
  ],
  Children: [
    "children",
    "prewarm",
    "maxChildren",
    "restart",
    "restartDelay",
    "restartMaxDelay",
    "crashLimit",
    "crashWindow",
    "crashProbe",
  ],
  Clients: [
    "outputTransport",
    "streamableHttpPath",
    "ssePath",
    "messagePath",
    "wsPath",
    "baseUrl",
    "basePath",
    "trustProxy",
    "healthEndpoint",
    "keepAlive",
  ],
  Network: [
    "host",
    "port",
    "tlsCert",
    "tlsKey",
    "tlsSelfSigned",
    "httpRedirectPort",
    "maxConnections",
    "maxConnectionsPerAddress",
    "maxHeaderSize",
    "headerTimeout",
    "idleTimeout",
  ],
  "Streamable HTTP": [
    "stateful",
    "sessionTimeout",
    "protocolVersion",
    "replyMode",
    "eventStore",
    "eventStoreSize",
    "eventStoreCount",
    "eventStoreAge",
  ],
  "Each caller": ["headerToEnv", "headerToHeader"],
  Authentication: [
    "auth",
    "unauthenticated",
    "authOptional",
    "anonymousScope",
    "apiKeyFile",
    "apiKeyInQuery",
    "bearerToken",
    "bearerTokenFile",
    "basicUserFile",
    "authorizedKeys",
    "signatureSkew",
    "maxNonces",
    "identity",
    "authAttempts",
    "authAttemptWindow",
    "authWait",
    "authMaxWait",
    "jwtIssuer",
    "jwtAudience",
    "jwtJwksUrl",
    "jwtJwksFile",
    "jwtAlgorithm",
    "jwtClockSkew",
    "jwtKeysAge",
    "jwtRefetchPause",
    "jwtFetchTimeout",
    "jwtMaxFetchSize",
    "jwtMaxTokens",
    "requiredScope",
  ],
  Security: [
    "allowIp",
    "denyIp",
    "rateLimit",
    "rateBurst",
    "maxTrackedCallers",
    "cors",
    "allowedOrigin",
    "allowedHost",
    "allowTools",
    "denyTools",
    "allowPrompts",
    "denyPrompts",
    "allowResources",
    "denyResources",
    "auditLog",
    "auditArguments",
    "auditMaxSize",
    "auditKeep",
  ],
  Limits: [
    "maxSessions",
    "maxSessionsPerPrincipal",
    "evictAfter",
    "queueTimeout",
    "maxOpenRequests",
    "maxBufferedMessages",
    "maxBufferedSize",
    "maxBodySize",
    "maxMessageSize",
    "requestTimeout",
    "callTimeout",
    "maxRequestTime",
    "progressHeartbeat",
    "parkedTtl",
    "maxParkedCalls",
    "maxParkedPerPrincipal",
    "maxSubscriptions",
    "maxUriLength",
    "maxHandshakeSize",
    "maxIdLength",
    "maxDepth",
    "maxBatch",
    "maxBodyParts",
    "maxMessageParts",
    "maxBodiesInFlight",
    "bodyTimeout",
    "maxUnreadSize",
    "stallTimeout",
  ],
  Lifetime: ["exitWithParent", "watch", "idleExit", "shutdownTimeout"],
  Administration: ["runtimeAdminPort", "runtimePrompt", "stateDir"],
  Logging: ["logLevel", "logFormat", "slowRequest", "logFile", "logMaxSize", "logKeep"],
  "Remote servers": [
    "streamableHttp",
    "sse",
    "ws",
    "header",
    "headerFile",
    "oauth2Bearer",
    "oauth2BearerFile",
    "keypair",
    "serverKey",
    "knownHosts",
    "caFile",
    "connectTimeout",
    "remoteIdleTimeout",
    "retryAttempts",
    "retryDelay",
    "retryMaxDelay",
    "allowPrivateRedirects",
  ],
} as const satisfies Readonly<Record<string, readonly OptionKey[]>>;

type OptionGroup = keyof typeof HELP;
type ListedKey = typeof HELP[OptionGroup][number];
export type DescribedOption = OptionMeta & { readonly group: OptionGroup };

export const options = z.object(inHelpOrder());

/** Values after parsing, with defaults. */
export type Options = z.output<typeof options>;
/** Values as a flag, a variable or a file gives them. */
export type RawOptions = Readonly<Partial<Record<OptionKey, unknown>>>;

/** Every option, in the order of the help. */
export function optionEntries(): [OptionKey, DescribedOption][] {
  return groups().flatMap(([group, keys]) =>
    keys.map((key): [OptionKey, DescribedOption] => [key, { ...metaOf(SHAPE[key]), group }])
  );
}

/** Undefined for a name that no option has. */
export function findOption(name: string): OptionMeta | undefined {
  return Object.hasOwn(SHAPE, name) ? metaOf(SHAPE[name as OptionKey]) : undefined;
}

/** Whether each server may have a value of its own. */
export function isServerOption(key: string): key is ServerKey {
  return Object.hasOwn(SERVER, key);
}

export function isWhichServer(key: string): key is WhichServerKey {
  return Object.hasOwn(serverOptions.shape, key);
}

/** What is allowed, by itself. */
export function schemaOf(key: OptionKey): z.ZodType {
  return SHAPE[key];
}

/** What is wrong is told in this order too. Every option is listed: the types do not fit where one is not. */
function inHelpOrder(): typeof SHAPE {
  const keys = groups().flatMap(([, keys]) => keys);
  const shape = Object.fromEntries(keys.map((key) => [key, SHAPE[key]])) as Pick<typeof SHAPE, ListedKey>;
  return shape;
}

function groups(): [OptionGroup, readonly OptionKey[]][] {
  return Object.entries(HELP) as [OptionGroup, readonly OptionKey[]][];
}
