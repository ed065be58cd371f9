/**
 * JSON as loose readers take it: one does not mind the case of a key (Go's encoding/json, cJSON), another nor what
 * stands between its letters, and each takes one of two equal keys. It shares no code with what it is the oracle of.
 */

export type Value = null | boolean | number | string | Value[] | Members;

/** An object with all its members, in their order, duplicates too. */
export class Members {
  readonly all: { raw: string; key: string; value: Value }[] = [];
}

interface Looseness {
  /** What two keys have in common that are the same to this reader; `raw` is the key with its escapes. */
  readonly sameAs: (key: string, raw: string) => string;
  /** Which one of several. */
  readonly takes: "first" | "last";
}

const FOLDS: Readonly<Record<string, Looseness["sameAs"]>> = {
  exactly: (key) => key,
  "without resolving escapes": (_key, raw) => raw,
  "in any case": folded,
  "in any case of any alphabet": (key) => folded(key).replace(/[ıİ]/g, "i"),
  "in any spelling": (key) => folded(key).replace(/[-_ \u0307\u200b]/g, ""),
  "up to a zero byte": (key) => folded(key.split("\0", 1)[0] ?? ""),
};

/** Every kind of reader, by name. */
export const READERS: readonly (Looseness & { name: string })[] = Object.entries(FOLDS).flatMap(
  ([name, sameAs]) =>
    (["first", "last"] as const).map((takes) => ({ name: `${name}, ${takes}`, sameAs, takes })),
);

/** As Go does it: simple case folding, and the last one wins. */
export const LIKE_GO: Looseness = { sameAs: folded, takes: "last" };

/** The ASCII letters, and the two other characters that Unicode folds to one of them. */
function folded(key: string): string {
  let result = "";
  for (const character of key) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0x41 && code <= 0x5a) result += String.fromCharCode(code + 0x20);
    else if (code === 0x17f) result += "s";
    else if (code === 0x212a) result += "k";
    else result += character;
  }
  return result;
}

/** The value at a path of keys, as this reader finds it; undefined where it finds none. */
export function lookUp(value: Value, path: readonly string[], reader: Looseness): Value | undefined {
  let found: Value | undefined = value;
  for (const name of path) {
    if (!(found instanceof Members)) return undefined;
    const wanted = reader.sameAs(name, name);
    const { all }: Members = found;
    const same = all.filter(({ key, raw }) => reader.sameAs(key, raw) === wanted);
    found = same.at(reader.takes === "first" ? 0 : -1)?.value;
  }
  return found;
}

/** A value without its looseness, for an answer: the last of equal keys. */
export function plain(value: Value | undefined): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Members)) return value;
  return Object.fromEntries(value.all.map(({ key, value }) => [key, plain(value)]));
}

/** Throws SyntaxError for text that is not JSON. */
export function readLoosely(text: string): Value {
  const tokens = text.match(/"(?:[^"\\]|\\[^])*"|[-\w.+]+|[{}[\],:]/g) ?? [];
  let at = 0;
  const take = (expected?: string): string => {
    const token = tokens[at++];
    if (token === undefined || (expected !== undefined && token !== expected)) {
      throw new SyntaxError(`Not JSON: ${token} in ${text}`);
    }
    return token;
  };
  const value = (): Value => {
    if (tokens[at] === "{") return members();
    if (tokens[at] === "[") return elements();
    return JSON.parse(take());
  };
  const members = (): Members => {
    const result = new Members();
    for (let token = take("{"); token !== "}"; token = take()) {
      if (tokens[at] === "}") continue;
      const quoted = take();
      take(":");
      result.all.push({ raw: quoted.slice(1, -1), key: JSON.parse(quoted), value: value() });
    }
    return result;
  };
  const elements = (): Value[] => {
    const result: Value[] = [];
    for (let token = take("["); token !== "]"; token = take()) {
      if (tokens[at] !== "]") result.push(value());
    }
    return result;
  };
  return value();
}
