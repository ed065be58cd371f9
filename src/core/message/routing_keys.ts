/**
 * Keys that decide something, and what passes for one of them: a JSON library may not mind the case of a key (Go's
 * encoding/json, cJSON) or may take `progress_token` for `progressToken` (pydantic).
 */
import { remembered } from "../../base/remembered.ts";
import type { Params } from "./jsonrpc.ts";

/** What is neither letter nor number: some readers leave it out of a key. */
const GAP = "[^\\p{L}\\p{N}\\0]*";
const GAPS = /[^\p{L}\p{N}]/gu;

/** Keys that decide where a message belongs, or whether it is let through. */
export class RoutingKeys {
  readonly #keys: readonly string[];
  /** Made for the first message: the classes of Unicode take a while, and not every gateway shares its server. */
  #alike: RegExp | undefined;

  constructor(...keys: readonly string[]) {
    this.#keys = keys;
  }

  /** True for what only passes for a key that routes. Remembered, since few keys come again and again. */
  readonly isStray = remembered((key) =>
    !this.#keys.includes(key) && (this.#alike ??= alike(this.#keys)).test(key)
  );
}

/** The same object where nothing has to go. */
export function withoutStray(members: Params, routing: RoutingKeys): Params {
  if (!hasStray(members, routing)) return members;
  return Object.fromEntries(Object.entries(members).filter(([key]) => !routing.isStray(key)));
}

function hasStray(members: Params, routing: RoutingKeys): boolean {
  for (const key in members) if (routing.isStray(key)) return true;
  return false;
}

/** To a reader in C, a zero byte is the end of a key. */
function alike(keys: readonly string[]): RegExp {
  const patterns = keys.map((key) => [...key.replace(GAPS, "")].map(letterPattern).join(GAP));
  return new RegExp(`^${GAP}(?:${patterns.join("|")})${GAP}(?:\\0|$)`, "iu");
}

/** The flags `iu` fold as Unicode does (ſ is an s), and some readers do the same with the letters of Turkish. */
function letterPattern(letter: string): string {
  return letter.toLowerCase() === "i" ? "[iıİ]" : letter;
}
