/**
 * What no client may ask a modern server that it shares with others. A server of both eras would take some of it for the
 * beginning of a legacy conversation, which it has with all of them then, or would do for all what one has asked.
 */
import { quoted } from "../../../base/outside.ts";
import { RpcCode, stillOpen, toRpcError } from "../../../core/errors.ts";
import { isNotificationName, Method } from "../../../core/mcp/methods.ts";
import { metaRefusal, requestMetaIn } from "../../../core/mcp/request_meta.ts";
import type { JsonRpcErrorObject, JsonRpcRequest } from "../../../core/message/jsonrpc.ts";

/** Methods that 2026-07-28 has no more, and whose effect would be for all. */
const OF_LEGACY: ReadonlySet<string> = new Set([
  Method.initialize,
  Method.setLevel,
  Method.subscribe,
  Method.unsubscribe,
]);
/** Notifications of the same kind. */
const SAID_BY_LEGACY: ReadonlySet<string> = new Set([
  Method.initialized,
  Method.progress,
  Method.rootsChanged,
]);

/** Why this request is not passed on, or undefined; `isOpen` says that its client still waits for one of this id. */
export function requestRefusal(message: JsonRpcRequest, isOpen: boolean): JsonRpcErrorObject | undefined {
  const { id, method } = message;
  if (isOpen) return toRpcError(stillOpen(id));
  // A server that does not mind the id would take it for one, and it was looked at as none.
  if (isNotificationName(method)) return notFound(`${quoted(method)} is a notification, and has no id`);
  return metaRefusal(requestMetaIn(message)) ??
    (OF_LEGACY.has(method) ? notFound(`${quoted(method)} is not there since 2026-07-28`) : undefined);
}

/** Why this notification is dropped, or undefined. */
export function notificationRefusal(method: string): string | undefined {
  if (!isNotificationName(method)) return `${quoted(method)} has no id`;
  return SAID_BY_LEGACY.has(method) ? `${quoted(method)} is not there since 2026-07-28` : undefined;
}

function notFound(message: string): JsonRpcErrorObject {
  return { code: RpcCode.methodNotFound, message };
}
