import { type Envelope, SpelledEnvelope } from "../core/channel.ts";
import type { JsonRpcResponse, RequestId } from "../core/message/jsonrpc.ts";
import { anew, editedText } from "./anew.ts";

/** An answer under this id, the rest of its text as it came where that is certain. */
export function withAnswerId(envelope: Envelope, said: JsonRpcResponse, id: RequestId): Envelope {
  const { text } = envelope;
  const message = { ...said, id };
  if (text === undefined) return { message };
  // Where there was no id, there is no place for it either.
  if (said.id === undefined) return anew(envelope, said, (answer) => ({ ...answer, id }));
  return new SpelledEnvelope(message, editedText(text, [{ path: ["id"], value: id }]));
}
