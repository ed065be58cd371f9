/**
 * Where the eras meet that a conversation may be of (`revisions.ts`): a client that has begun with a handshake must not
 * settle with its server on a revision that has none.
 */
import { RpcCode } from "../errors.ts";
import type { JsonRpcErrorObject } from "../message/jsonrpc.ts";
import { Method } from "./methods.ts";

/** Asks a server which revisions it speaks, in place of `initialize`. */
export function isDiscover({ method }: { readonly method: string }): boolean {
  return method === Method.discover;
}

/** Any error lets a client fall back to `initialize`, but those that the new era has for itself. */
export const UNDISCOVERED: JsonRpcErrorObject = {
  code: RpcCode.methodNotFound,
  message: '"server/discover" is not served here: begin with initialize',
};

/** Errors that no revision before 2026-07-28 has. */
const MODERN_ALONE: ReadonlySet<number> = new Set([
  RpcCode.headerMismatch,
  RpcCode.missingCapability,
  RpcCode.unsupportedRevision,
]);

/** Whether only a server that knows 2026-07-28 says so. */
export function isModernError({ code }: JsonRpcErrorObject): boolean {
  return MODERN_ALONE.has(code);
}

/** Codes that 2026-07-28 forbids (its basic protocol page, "Error Codes"): what they said is an invalid parameter there. */
const FORBIDDEN: ReadonlySet<number> = new Set([RpcCode.resourceNotFound, RpcCode.urlElicitationRequired]);

/** An error of a revision before, as 2026-07-28 has it. */
export function modernError(error: JsonRpcErrorObject): JsonRpcErrorObject {
  return FORBIDDEN.has(error.code) ? { ...error, code: RpcCode.invalidParams } : error;
}
