/** A message written anew in which some values stand as they were spelled elsewhere. */
import { type Envelope, SpelledEnvelope } from "../core/channel.ts";
import type { JsonRpcMessage, JsonRpcResult, RequestId } from "../core/message/jsonrpc.ts";
import { spelledAt } from "../core/message/members.ts";
import type { Path } from "../core/message/path.ts";
import { jsonOf } from "./anew.ts";

/** Gives what is to be put into the message: the value, or what stands for its JSON until all is written. */
export type Put = (value: unknown, json: () => string) => unknown;

/** As `anew`, with values from elsewhere; `make` may look at what it is given no more than that of `anew` may. */
export function anewSpelled<M extends JsonRpcMessage, N extends JsonRpcMessage>(
  envelope: Envelope,
  message: M,
  make: (said: M, put: Put) => N,
): Envelope {
  const made = make(message, (value) => value);
  if (envelope.text === undefined) return { message: made };
  const holes = new Map<string, string>();
  const put: Put = (_, json) => {
    // Nobody can have written that.
    const hole = crypto.randomUUID();
    holes.set(hole, json());
    return hole;
  };
  let text = jsonOf(envelope, message, (said) => make(said, put));
  for (const [hole, json] of holes) text = text.replace(`"${hole}"`, () => json);
  return new SpelledEnvelope(made, text);
}

/** How a value of a message is spelled, which is there at this path. */
export function jsonAt({ text }: Envelope, path: Path, value: unknown): string {
  return (text === undefined ? undefined : spelledAt(text, path)) ?? JSON.stringify(value);
}

/** A result whose JSON is this. */
export function spelledResult(message: JsonRpcResult, json: string): Envelope {
  return new SpelledEnvelope(
    message,
    `{"jsonrpc":"2.0","id":${spelledId(message.id)},"result":${json}}`,
  );
}

function spelledId(id: RequestId): string {
  return typeof id === "string" ? JSON.stringify(id) : `${id}`;
}
