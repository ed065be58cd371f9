/** JSON-RPC messages in a word each, for tests that care about their way and not about their content. */
import type {
  JsonRpcError,
  JsonRpcNotification,
  JsonRpcRequest,
  JsonRpcResult,
  Params,
  ProgressToken,
  RequestId,
} from "../../src/core/message/jsonrpc.ts";

export function request(id: RequestId, method = "tools/call", params?: Params): JsonRpcRequest {
  return { jsonrpc: "2.0", id, method, ...(params ? { params } : {}) };
}

/** A request that asks for progress. */
export function tracked(id: RequestId, progressToken: ProgressToken): JsonRpcRequest {
  return request(id, "tools/call", { _meta: { progressToken } });
}

export function notification(method = "notifications/message", params?: Params): JsonRpcNotification {
  return { jsonrpc: "2.0", method, ...(params ? { params } : {}) };
}

export function progress(progressToken: ProgressToken): JsonRpcNotification {
  return notification("notifications/progress", { progressToken, progress: 1 });
}

export function cancelled(requestId: RequestId): JsonRpcNotification {
  return notification("notifications/cancelled", { requestId });
}

export function result(id: RequestId, value: unknown = {}): JsonRpcResult {
  return { jsonrpc: "2.0", id, result: value };
}

export function failure(id: RequestId | null, message = "no", code = -32000): JsonRpcError {
  return { jsonrpc: "2.0", id, error: { code, message } };
}
