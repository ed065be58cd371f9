/**
 * What a request of 2026-07-28 says of itself in `params._meta`, since there is no handshake that has said it before
 * (2026-07-28, basic protocol page, "_meta").
 */
import { cut, quoted } from "../../base/outside.ts";
import { RpcCode } from "../errors.ts";
import {
  isObject,
  type JsonRpcErrorObject,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type Params,
} from "../message/jsonrpc.ts";
import { isLogLevel, LOG_LEVELS } from "./log_levels.ts";
import { isModernRevision, MODERN_REVISIONS } from "./revisions.ts";

/** The keys that this revision has for itself. */
export const MetaKey = {
  revision: "io.modelcontextprotocol/protocolVersion",
  client: "io.modelcontextprotocol/clientInfo",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
  logLevel: "io.modelcontextprotocol/logLevel",
  server: "io.modelcontextprotocol/serverInfo",
  subscription: "io.modelcontextprotocol/subscriptionId",
} as const;

/** The keys of a request: those of an answer are not among them. */
const OF_REQUESTS: ReadonlySet<string> = new Set([
  MetaKey.revision,
  MetaKey.client,
  MetaKey.capabilities,
  MetaKey.logLevel,
]);

/** What a request says of itself and of its client. */
export interface RequestMeta {
  readonly revision: string;
  /** What its client can do, for this request. */
  readonly capabilities: Params;
  /** Name and version of its client, as that says it. */
  readonly client: unknown;
  /** From which level on it wants to hear what is logged; undefined is never. */
  readonly logLevel: string | undefined;
}

/** What is wrong with it, in words for the client. */
export interface MetaFault {
  readonly key: string;
  readonly problem: string;
}

/** The `_meta` of a message's params; undefined where there is none. */
export function metaOf({ params }: { readonly params?: Params }): Params | undefined {
  const meta = params?._meta;
  return isObject(meta) ? meta : undefined;
}

/** Whether a message says of itself what one of the modern era says, rightly or not: it is one of these then, on every wire. */
export function isModern(message: JsonRpcMessage): boolean {
  if (!("method" in message)) return false;
  const meta = metaOf(message);
  if (meta === undefined) return false;
  for (const key of OF_REQUESTS) if (Object.hasOwn(meta, key)) return true;
  return false;
}

/** What a request says in its `_meta`, or the first thing that is wrong with that. */
export function requestMetaIn(request: JsonRpcRequest): RequestMeta | MetaFault {
  const meta = metaOf(request);
  if (!meta) return { key: "_meta", problem: "missing" };
  const { [MetaKey.revision]: revision, [MetaKey.capabilities]: capabilities } = meta;
  const { [MetaKey.client]: client, [MetaKey.logLevel]: logLevel } = meta;
  if (typeof revision !== "string") return faultOf(MetaKey.revision, revision, "a string");
  if (!isObject(capabilities)) return faultOf(MetaKey.capabilities, capabilities, "an object");
  if (client !== undefined && !isObject(client)) return faultOf(MetaKey.client, client, "an object");
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    return faultOf(MetaKey.logLevel, logLevel, `one of ${LOG_LEVELS.join(", ")}`);
  }
  return { revision, capabilities, client, logLevel };
}

export function isFault(meta: RequestMeta | MetaFault): meta is MetaFault {
  return "problem" in meta;
}

/** The same `_meta` without what only a request of this revision has; undefined where nothing is left. */
export function plainMeta(meta: Params): Params | undefined {
  let left: Record<string, unknown> | undefined;
  for (const key of Object.keys(meta)) if (!OF_REQUESTS.has(key)) (left ??= {})[key] = meta[key];
  return left;
}

function faultOf(key: string, value: unknown, wanted: string): MetaFault {
  return { key, problem: value === undefined ? "missing" : `not ${wanted}` };
}

/** Of a revision that a client asks for. */
const MAX_REVISION_CHARS = 200;

/** What is told to whose `_meta` lacks something, or has it in another form. */
export function faultRefusal({ key, problem }: MetaFault): JsonRpcErrorObject {
  const name = key === "_meta" ? "params._meta" : `params._meta[${JSON.stringify(key)}]`;
  const message = `Invalid params: ${name} is ${problem}`;
  return { code: RpcCode.invalidParams, message, data: { key, problem } };
}

/** What is told to who asks for a revision that is not spoken here; undefined for one that is. */
export function revisionRefusal({ revision }: RequestMeta): JsonRpcErrorObject | undefined {
  if (isModernRevision(revision)) return undefined;
  const supported = [...MODERN_REVISIONS];
  const message = `Unsupported protocol version: ${quoted(revision)} (supported versions: ${
    supported.join(", ")
  })`;
  const data = { supported, requested: cut(revision, MAX_REVISION_CHARS) };
  return { code: RpcCode.unsupportedRevision, message, data };
}

/** Why a request that says this of itself cannot be served, whatever it asks; undefined where it can. */
export function metaRefusal(meta: RequestMeta | MetaFault): JsonRpcErrorObject | undefined {
  return isFault(meta) ? faultRefusal(meta) : revisionRefusal(meta);
}
