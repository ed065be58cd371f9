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

const GENERAL = ["_meta", "progressToken", "requestId"];
/** Of any call, in `params` and in `_meta`. */
const ROUTING = new RoutingKeys(...GENERAL);
/** In `params` of what is asked in the name of several, and of what is kept from a shared server. */
const ROUTING_OF = new Map<string, RoutingKeys>([
  [Method.subscribe, new RoutingKeys(...GENERAL, "uri")],
  [Method.unsubscribe, new RoutingKeys(...GENERAL, "uri")],
  [Method.setLevel, new RoutingKeys(...GENERAL, "level")],
  [Method.callTool, new RoutingKeys(...GENERAL, "task")],
]);

/** A message without members that the server might take for others; the envelope itself where there are none. */
export function withKnownKeys(envelope: Envelope): Envelope {
  return known(envelope.message) === envelope.message ? envelope : anew(envelope, envelope.message, known);
}

function known(message: JsonRpcMessage): JsonRpcMessage {
  if (isResponse(message)) return hasOnly(message, OF_ANSWERS) ? message : knownAnswer(message);
  const { params: said } = message;
  const params = said && knownParams(said, message);
  if (params === said && hasOnly(message, OF_CALLS)) return message;
  const call = { method: message.method, ...(params && { params }) };
  return isRequest(message) ? { jsonrpc: "2.0", id: message.id, ...call } : { jsonrpc: "2.0", ...call };
}

function knownAnswer(message: JsonRpcResponse): JsonRpcResponse {
  return "error" in message
    ? { jsonrpc: "2.0", id: message.id, error: message.error }
    : { jsonrpc: "2.0", id: message.id, result: message.result };
}

function knownParams(said: Params, message: JsonRpcRequest | JsonRpcNotification): Params {
  if (!isObject(said)) return said;
  const params = withoutStray(said, ROUTING_OF.get(message.method) ?? ROUTING);
  const { _meta: meta } = params;
  if (!isObject(meta)) return params;
  const known = withoutOddToken(withoutStray(meta, ROUTING), message);
  return known === meta ? params : { ...params, _meta: known };
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
