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
