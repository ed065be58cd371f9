/** A result without some elements of one of its arrays; what stays is spelled as it was. */
import type { Envelope } from "../core/channel.ts";
import { elementsIn } from "../core/message/elements.ts";
import type { JsonRpcResult, Params } from "../core/message/jsonrpc.ts";
import { spelledAt } from "../core/message/members.ts";
import { jsonOf } from "./anew.ts";

interface ArrayFilter {
  /** Of an array in the result. */
  readonly key: string;
  readonly keeps: (element: unknown) => boolean;
}

type ObjectResult = JsonRpcResult & { readonly result: Params };

/** Changes the envelope, unless everything stays. */
export function filterArray(envelope: Envelope, message: ObjectResult, { key, keeps }: ArrayFilter): void {
  const array = message.result[key];
  if (!Array.isArray(array)) return;
  const kept = array.map(keeps);
  if (!kept.includes(false)) return;
  const put = (value: unknown) => (same: ObjectResult) => ({
    ...same,
    result: { ...same.result, [key]: value },
  });
  envelope.message = put(array.filter((_, index) => kept[index]))(message);
  if (envelope.text === undefined) return;
  const elements = elementsIn(spelledAt(envelope.text, ["result", key]) ?? "[]");
  const spelled = `[${elements.filter((_, index) => kept[index]).join(",")}]`;
  // Nobody can have written that.
  const hole = crypto.randomUUID();
  envelope.text = jsonOf(envelope, message, put(hole)).replace(`"${hole}"`, () => spelled);
}
