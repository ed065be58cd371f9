/** Says in the answer to the handshake how callers may prove who they are: `_meta["keystone/auth"]` of its result. */
import type { Envelope } from "../core/channel.ts";
import { isObject, type JsonRpcResult, objectIn } from "../core/message/jsonrpc.ts";
import { anew } from "../wire/anew.ts";

/** What a client is told, here and with a refusal. */
export interface AuthNews {
  readonly kinds: readonly string[];
  /** False where who proves nothing is let in as well. */
  readonly required: boolean;
}

/** The key begins with a prefix, since others without one belong to MCP ("General fields" of its specification). */
const KEY = "keystone/auth";

/** Puts it into an answer to `initialize`. */
export function authNews(news: AuthNews): (answer: Envelope) => void {
  const told = (message: JsonRpcResult): JsonRpcResult => {
    const { result } = message;
    if (!isObject(result)) return message;
    const meta = objectIn(result._meta);
    return { ...message, result: { ...result, _meta: { ...meta, [KEY]: news } } };
  };
  return (envelope) => {
    const { message } = envelope;
    if ("result" in message) Object.assign(envelope, anew(envelope, message, told));
  };
}
