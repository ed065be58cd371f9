/** A result without some elements of one of its arrays; what stays is spelled as it was. */
import type { Envelope } from "../core/channel.ts";
import { elementsIn } from "../core/message/elements.ts";
import type { JsonRpcResult, Params } from "../core/message/jsonrpc.ts";
import { anewSpelled, jsonAt } from "./anew_spelled.ts";

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
  const stays = (_: unknown, index: number) => kept[index];
  const some = array.filter(stays);
  const json = () => `[${elementsIn(jsonAt(envelope, ["result", key], array)).filter(stays).join(",")}]`;
  const filtered = anewSpelled(envelope, message, (same, put) => ({
    ...same,
    result: { ...same.result, [key]: put(some, json) },
  }));
  Object.assign(envelope, filtered);
}
