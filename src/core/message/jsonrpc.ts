/**
 * JSON-RPC 2.0 messages as MCP uses them: types and guards. What their methods mean is in `core/mcp/`.
 *
 * The gateway carries messages and not methods, so `params` and `result` stay `unknown` inside.
 * Source: JSON-RPC 2.0, and the "Messages" section of MCP's basic protocol page.
 */
import { largeInteger } from "./large_integer.ts";

/**
 * `1` and `"1"` are two ids; a Map with these as keys keeps them apart. An integer that a number would round is a bigint:
 * two ids that are one as doubles are in use at once where they are counted up from a time or a node.
 */
export type RequestId = string | number | bigint;
export type ProgressToken = RequestId;
export type Params = Readonly<Record<string, unknown>>;

export interface JsonRpcRequest {
  readonly jsonrpc: "2.0";
  readonly id: RequestId;
  readonly method: string;
  readonly params?: Params;
}
export interface JsonRpcNotification {
  readonly jsonrpc: "2.0";
  readonly method: string;
  readonly params?: Params;
}
export interface JsonRpcErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}
export interface JsonRpcResult {
  readonly jsonrpc: "2.0";
  readonly id: RequestId;
  readonly result: unknown;
}
export interface JsonRpcError {
  readonly jsonrpc: "2.0";
  /** null when the id of the request could not be read. */
  readonly id: RequestId | null;
  readonly error: JsonRpcErrorObject;
}
export type JsonRpcResponse = JsonRpcResult | JsonRpcError;
export type JsonRpcMessage = JsonRpcRequest | JsonRpcNotification | JsonRpcResponse;

export function isRequest(message: JsonRpcMessage): message is JsonRpcRequest {
  return "method" in message && "id" in message;
}
export function isNotification(message: JsonRpcMessage): message is JsonRpcNotification {
  return "method" in message && !("id" in message);
}
export function isResponse(message: JsonRpcMessage): message is JsonRpcResponse {
  return !("method" in message);
}

export function isObject(value: unknown): value is Params {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object: one without members where it is none. */
export function objectIn(value: unknown): Params {
  return isObject(value) ? value : {};
}

/** JSON can spell a number that no double holds (1e999): it could not be written back. */
export function isId(value: unknown): value is RequestId {
  return typeof value === "string" || Number.isFinite(value) || typeof value === "bigint";
}

/** The same id as the other type, which some servers answer with; undefined where it would be another one. */
export function otherTypeOf(id: RequestId): RequestId | undefined {
  if (typeof id !== "string") return `${id}`;
  const large = largeInteger(id);
  if (large !== undefined) return large;
  const number = Number(id);
  return Number.isFinite(number) && `${number}` === id ? number : undefined;
}

/** Whether this answers the one request that is open: an error need not name it, and a name may have changed its type. */
export function answersSole(message: JsonRpcMessage, id: RequestId): message is JsonRpcResponse {
  if (!isResponse(message)) return false;
  return isId(message.id) ? message.id === id || otherTypeOf(message.id) === id : "error" in message;
}

export function resultOf(id: RequestId, result: unknown): JsonRpcResult {
  return { jsonrpc: "2.0", id, result };
}
export function errorOf(id: RequestId | null, error: JsonRpcErrorObject): JsonRpcError {
  return { jsonrpc: "2.0", id, error };
}
