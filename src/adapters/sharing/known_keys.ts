/**
 * What a server that several callers share may be told: nothing that it might take for what another one says. Its JSON
 * library may not mind the case of a key (Go's encoding/json, cJSON) or may take `progress_token` for `progressToken`
 * (pydantic): a second id, a token of somebody else's or another method would hide under such a key.
 */
import type { Envelope } from "../../core/channel.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  isId,
  isObject,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
} from "../../core/message/jsonrpc.ts";
import { RoutingKeys, withoutStray } from "../../core/message/routing_keys.ts";
import { anew } from "../../wire/anew.ts";

const OF_CALLS = new Set(["jsonrpc", "id", "method", "params"]);
const OF_ANSWERS = new Set(["jsonrpc", "id", "result", "error"]);

/** Of any call, in `params` and in `_meta`. */
export const GENERAL = ["_meta", "progressToken", "requestId"] as const;
const ROUTING = new RoutingKeys(...GENERAL);
/** In `params` of what is asked in the name of several, and of what is kept from a shared server. */
const ROUTING_OF = new Map<string, RoutingKeys>([
  [Method.subscribe, new RoutingKeys(...GENERAL, "uri")],
  [Method.unsubscribe, new RoutingKeys(...GENERAL, "uri")],
  [Method.setLevel, new RoutingKeys(...GENERAL, "level")],
  [Method.callTool, new RoutingKeys(...GENERAL, "task")],
]);

/** The keys that decide something in the calls of an era. */
export interface CallKeys {
  readonly inParams: RoutingKeys;
  /** In `params` of methods that have more of them. */
  readonly inParamsOf?: ReadonlyMap<string, RoutingKeys>;
  readonly inMeta: RoutingKeys;
  /** What servers alone say in `_meta`. */
  readonly ofServers?: string;
}

const LEGACY: CallKeys = { inParams: ROUTING, inParamsOf: ROUTING_OF, inMeta: ROUTING };

/** A message without members that the server might take for others; the envelope itself where there are none. */
export function withKnownKeys(envelope: Envelope, keys = LEGACY): Envelope {
  const { message } = envelope;
  if (known(message, keys) === message) return envelope;
  return anew(envelope, message, (said) => known(said, keys));
}

function known(message: JsonRpcMessage, keys: CallKeys): JsonRpcMessage {
  if (isResponse(message)) return hasOnly(message, OF_ANSWERS) ? message : knownAnswer(message);
  const { params: said } = message;
  const params = said && knownParams(said, message, keys);
  if (params === said && hasOnly(message, OF_CALLS)) return message;
  const call = { method: message.method, ...(params && { params }) };
  return isRequest(message) ? { jsonrpc: "2.0", id: message.id, ...call } : { jsonrpc: "2.0", ...call };
}

function knownAnswer(message: JsonRpcResponse): JsonRpcResponse {
  return "error" in message
    ? { jsonrpc: "2.0", id: message.id, error: message.error }
    : { jsonrpc: "2.0", id: message.id, result: message.result };
}

function knownParams(
  said: Params,
  message: JsonRpcRequest | JsonRpcNotification,
  { inParams, inParamsOf, inMeta, ofServers }: CallKeys,
): Params {
  if (!isObject(said)) return said;
  const params = withoutStray(said, inParamsOf?.get(message.method) ?? inParams);
  const { _meta: meta } = params;
  if (!isObject(meta)) return params;
  const own = ofServers === undefined ? meta : without(meta, ofServers);
  const known = withoutOddToken(withoutStray(own, inMeta), message);
  return known === meta ? params : { ...params, _meta: known };
}

/** The same object where there is no such key. */
function without(meta: Params, key: string): Params {
  if (!Object.hasOwn(meta, key)) return meta;
  const { [key]: _, ...rest } = meta;
  return rest;
}

/** Only for what is a token, and of a request, we can give one of ours. Some readers take `true` for 1. */
function withoutOddToken(meta: Params, message: JsonRpcRequest | JsonRpcNotification): Params {
  const token = meta.progressToken;
  if (token === undefined || token === null || (isId(token) && isRequest(message))) return meta;
  const { progressToken: _, ...rest } = meta;
  return rest;
}

function hasOnly(value: object, keys: ReadonlySet<string>): boolean {
  for (const key in value) if (!keys.has(key)) return false;
  return true;
}
