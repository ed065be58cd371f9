/** What makes a request the same one when it comes again with answers (2026-07-28, "Multi Round-Trip Requests"). */
import { createHash } from "node:crypto";
import { isObject, type JsonRpcRequest } from "../../core/message/jsonrpc.ts";

/** Of its params, what may differ: how it is asked, and what is brought along. */
const OF_TRY: ReadonlySet<string> = new Set(["_meta", "inputResponses", "requestState"]);

/** A text as long as that is hashed before more is written. */
const CHUNK_CHARS = 64 * 1024;

/**
 * The same for two requests that ask for the same thing, in whatever order their keys stand, and for no two others. It
 * takes time as the request is large, which has its own limits; and no stack.
 */
export function digestOf({ method, params }: Pick<JsonRpcRequest, "method" | "params">): string {
  const hash = createHash("sha256");
  const asked = params && Object.fromEntries(Object.entries(params).filter(([key]) => !OF_TRY.has(key)));
  let chunk = "";
  for (const part of partsOf([method, asked ?? null])) {
    chunk += part;
    if (chunk.length < CHUNK_CHARS) continue;
    hash.update(chunk);
    chunk = "";
  }
  return hash.update(chunk).digest("base64url");
}

/** A value in an order of its own: of an object or an array how many are in it, and then those. */
function* partsOf(value: unknown): Generator<string> {
  const pending = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (Array.isArray(next)) {
      yield `[${next.length}:`;
      for (let i = next.length - 1; i >= 0; i--) pending.push(next[i]);
    } else if (isObject(next)) {
      const keys = Object.keys(next).sort().reverse();
      yield `{${keys.length}:`;
      for (const key of keys) pending.push(next[key], key);
    } else {
      yield written(next);
    }
  }
}

/** Texts as JSON, which no other value is spelled like. */
function written(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : `${value};`;
}
