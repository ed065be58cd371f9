/** Errors of a modern server, and of a translator in its place, as a legacy client knows them. */
import type { Envelope } from "../../../core/channel.ts";
import { RpcCode } from "../../../core/errors.ts";
import { Method } from "../../../core/mcp/methods.ts";
import {
  errorOf,
  isObject,
  type JsonRpcError,
  type JsonRpcErrorObject,
  type JsonRpcMessage,
  type RequestId,
  resultOf,
} from "../../../core/message/jsonrpc.ts";
import { echoed } from "../../../base/outside.ts";
import { withAnswerId } from "../../../wire/answer_id.ts";

interface FailedCall {
  readonly id: RequestId;
  readonly method: string;
}

/** Between a client and a server that both speak 2026-07-28 alone. */
const OF_THE_HOP: ReadonlySet<number> = new Set([RpcCode.headerMismatch, RpcCode.unsupportedRevision]);
const MAX_NAMED = 10;

/** The server's error as the answer to a call. */
export function plainError(envelope: Envelope, message: JsonRpcError, call: FailedCall): Envelope {
  const { error } = message;
  if (error.code === RpcCode.missingCapability) {
    return { message: failureOf(call, missing(error)) };
  }
  if (OF_THE_HOP.has(error.code)) return { message: internal(call.id, error.message) };
  return withAnswerId(envelope, message, call.id);
}

/**
 * The answer to a call that could not be carried out: of a tool the model hears, as from the server SDKs in such a place;
 * of what else is asked, the program.
 */
export function failureOf({ id, method }: FailedCall, text: string): JsonRpcMessage {
  if (method !== Method.callTool) return internal(id, text);
  return resultOf(id, { content: [{ type: "text", text }], isError: true });
}

export function internal(id: RequestId, message: string): JsonRpcError {
  return errorOf(id, { code: RpcCode.internalError, message });
}

function missing({ message, data }: JsonRpcErrorObject): string {
  const required = isObject(data) && isObject(data.requiredCapabilities)
    ? Object.keys(data.requiredCapabilities).slice(0, MAX_NAMED).map(echoed)
    : [];
  const named = required.length > 0 ? ` (the client does not offer ${required.join(", ")})` : "";
  return `${message}${named}`;
}
