/**
 * What a message says in MCP: whether it is the handshake, which request it cancels, whose progress it reports. This is
 * the classification of messages, and it is made by looking: nothing of it is kept, so it cannot differ from a message
 * that an adapter has written anew.
 */
import {
  isId,
  isObject,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResult,
  type ProgressToken,
  type RequestId,
} from "../message/jsonrpc.ts";
import { Method } from "./methods.ts";
import { MetaKey } from "./request_meta.ts";

/** Whether a request, or what is remembered of one, begins a conversation (lifecycle page of each revision that has it). */
export function isHandshake({ method }: { readonly method: string }): boolean {
  return method === Method.initialize;
}

/** Whether a request is answered when its client, or its server, has had enough: it is no call that somebody waits for. */
export function isLasting({ method }: { readonly method: string }): boolean {
  return method === Method.listen;
}

/** How a server ends a request that lasts (2026-07-28, subscriptions page, "Graceful Closure"). */
export function endOfLasting(id: RequestId): JsonRpcResult {
  return { jsonrpc: "2.0", id, result: { resultType: "complete", _meta: { [MetaKey.subscription]: id } } };
}

/** Whether the client says that it has taken the answer to its handshake. */
export function isInitialized(message: JsonRpcMessage): boolean {
  return "method" in message && message.method === Method.initialized;
}

/** The revision that a server answers the handshake with, whatever it is. */
export function revisionIn(result: unknown): unknown {
  return isObject(result) ? result.protocolVersion : undefined;
}

/** The id that `notifications/cancelled` names, or undefined for any other message. */
export function cancelledId(message: JsonRpcMessage): RequestId | undefined {
  if (!("method" in message) || message.method !== Method.cancelled) return undefined;
  const id = message.params?.requestId;
  return isId(id) ? id : undefined;
}

/** The token that a request asks progress for (`params._meta.progressToken`). */
export function requestedToken(message: JsonRpcRequest): ProgressToken | undefined {
  const meta = message.params?._meta;
  if (typeof meta !== "object" || meta === null || !("progressToken" in meta)) return undefined;
  return isId(meta.progressToken) ? meta.progressToken : undefined;
}

/** The token that `notifications/progress` reports on, or undefined for any other message. */
export function reportedToken(message: JsonRpcNotification): ProgressToken | undefined {
  if (message.method !== Method.progress) return undefined;
  const token = message.params?.progressToken;
  return isId(token) ? token : undefined;
}

/** Of a tool's name, what is remembered as long as its call is open. */
const MAX_TOOL_CHARS = 200;

/** The tool that a request calls, unless its name is longer than any that is meant to be read. */
export function requestedTool(
  { method, params }: Pick<JsonRpcRequest | JsonRpcNotification, "method" | "params">,
): string | undefined {
  if (method !== Method.callTool) return undefined;
  const name = params?.name;
  return typeof name === "string" && name.length <= MAX_TOOL_CHARS ? name : undefined;
}

/** Takes a request back. */
export function cancellation(requestId: RequestId, reason: string): JsonRpcNotification {
  return { jsonrpc: "2.0", method: Method.cancelled, params: { requestId, reason } };
}

/** The same, said of a request by the id that it has on the other side. */
export function withCancelledId(message: JsonRpcNotification, requestId: RequestId): JsonRpcNotification {
  return { ...message, params: { ...message.params, requestId } };
}

/** What a client says once its handshake is answered. */
export function initialized(): JsonRpcNotification {
  return { jsonrpc: "2.0", method: Method.initialized };
}
