import type { Envelope } from "../core/channel.ts";
import type { JsonRpcResponse, RequestId } from "../core/jsonrpc.ts";
import { splice } from "./splice.ts";

/** An answer under this id, the rest of its text as it came where that is certain. */
export function withAnswerId({ text }: Envelope, said: JsonRpcResponse, id: RequestId): Envelope {
  const message = { ...said, id };
  if (text === undefined) return { message };
  // Where there was no id, there is no place for it either.
  const spliced = said.id === undefined ? undefined : splice(text, [{ path: ["id"], value: id }]);
  return { message, text: spliced ?? JSON.stringify(message) };
}
