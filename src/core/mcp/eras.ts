/**
 * What MCP has since 2026-07-28 and is not spoken here: a server of both eras behind the gateway must not settle with a
 * client on a revision whose requests the gateway would refuse then.
 */
import { RpcCode } from "../errors.ts";
import type { JsonRpcErrorObject, JsonRpcRequest } from "../message/jsonrpc.ts";
import { Method } from "./methods.ts";

/** Asks a server which revisions it speaks, in place of `initialize`. */
export function isDiscover({ method }: JsonRpcRequest): boolean {
  return method === Method.discover;
}

/** Any error lets a client fall back to `initialize`, but those that the new era has for itself. */
export const UNDISCOVERED: JsonRpcErrorObject = {
  code: RpcCode.methodNotFound,
  message: '"server/discover" is not served here: begin with initialize',
};
