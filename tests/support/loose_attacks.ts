/** Messages as an attacker writes them for a server that it shares with others, and what such a server finds in them. */
import assert from "node:assert/strict";
import { type Envelope, textOf } from "../../src/core/channel.ts";
import type { Params } from "../../src/core/message/jsonrpc.ts";
import { parseMessage } from "../../src/core/message/parse.ts";
import { lookUp, plain, READERS, readLoosely, type Value } from "./loose_json.ts";
import { Random } from "./random.ts";

/** Ids and tokens of other callers, as an attacker may guess them. */
const VICTIMS = [1, 2, "1", "asked"];

const ANY_METHODS = [
  "tools/call",
  "notifications/cancelled",
  "notifications/progress",
  "notifications/x",
  "x/y",
  "notifications/roots/list_changed",
];

/** What is said in an era beside what every era has. */
interface Words {
  readonly methods: readonly string[];
  /** Names in `_meta`. */
  readonly metaNames?: readonly string[];
  /** What mostly stands in `_meta` rightly. */
  readonly meta?: Params;
}

/** Messages as an attacker writes them. */
export class Attacks {
  readonly #random: Random;
  readonly #words: Words;

  constructor(seed: number, words: Words) {
    this.#random = new Random(seed);
    this.#words = words;
  }

  /** A text that we take for a message. */
  text(): string {
    while (true) {
      const text = this.#object([...this.#envelope(), ...this.#strays()]);
      try {
        parseMessage(text);
        return text;
      } catch {
        // One that is refused reaches no server.
      }
    }
  }

  #envelope(): string[] {
    const random = this.#random;
    const members = [this.#member("jsonrpc", '"2.0"')];
    const answers = random.chance(0.2);
    if (answers || random.chance(0.7)) members.push(this.#member("id", this.#victim()));
    if (answers) return [...members, this.#member("result", "{}")];
    members.push(this.#member("method", JSON.stringify(this.#method())));
    if (random.chance(0.9)) members.push(this.#member("params", this.#params()));
    return members;
  }

  #strays(): string[] {
    const names = ["id", "method", "params", "result", "error", "jsonrpc", "trace"];
    return this.#some(2, () => {
      const name = this.#random.pick(names);
      const value = name === "params" ? this.#params() : name === "method" ? '"ping"' : this.#victim();
      return this.#member(name, value);
    });
  }

  #params(): string {
    const names = ["progressToken", "requestId", "uri", "level", "task", "name", "arguments"];
    const members = this.#some(4, () => this.#member(this.#random.pick(names), this.#scalar()));
    const metas = this.#some(2, () => this.#member("_meta", this.#meta()));
    return this.#object([...members, ...metas, '"big":12345678901234567890']);
  }

  #meta(): string {
    const { metaNames = [], meta = {} } = this.#words;
    if (this.#random.chance(0.1)) return this.#scalar();
    const names = ["progressToken", "requestId", "_meta", "vendor/key", ...metaNames];
    const rightly = this.#random.chance(0.8) ? Object.entries(meta) : [];
    return this.#object([
      ...rightly.map(([name, value]) => `"${name}":${JSON.stringify(value)}`),
      ...this.#some(3, () => this.#member(this.#random.pick(names), this.#scalar())),
    ]);
  }

  #method(): string {
    return this.#random.pick([...ANY_METHODS, ...this.#words.methods]);
  }

  #scalar(): string {
    return this.#random.chance(0.7)
      ? this.#victim()
      : this.#random.pick(["null", "true", "1.5", "1e999", "{}", "[]"]);
  }

  #victim(): string {
    return this.#random.pick(['"a"', ...VICTIMS.map((value) => JSON.stringify(value))]);
  }

  #some(most: number, make: () => string): string[] {
    return Array.from({ length: this.#random.below(most + 1) }, make);
  }

  #object(members: readonly string[]): string {
    const shuffled = members.map((member) => ({ member, place: this.#random.next() }))
      .sort((left, right) => left.place - right.place);
    return `{${shuffled.map(({ member }) => member).join(this.#random.pick([",", " ,\t"]))}}`;
  }

  #member(name: string, value: string): string {
    return `"${this.#spelled(name)}"${this.#random.pick([":", " : "])}${value}`;
  }

  /** Mostly as it is, so that there are messages at all. */
  #spelled(name: string): string {
    if (this.#random.chance(0.7)) return name;
    const letters = [...name].map((letter) => {
      const odd = { s: "ſ", k: "\u212a", i: "İ", I: "ı" }[letter];
      if (odd !== undefined && this.#random.chance(0.2)) return odd;
      if (this.#random.chance(0.1)) return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
      return this.#random.chance(0.2) ? letter.toUpperCase() : letter;
    });
    const around = this.#random.chance(0.2) ? this.#random.pick(["_", "-", "\\u0000x", "\u200b"]) : "";
    return letters.join("") + around;
  }
}

function shown(value: Value | undefined): string | undefined {
  return JSON.stringify(plain(value));
}

/** Every loose reader finds in the text what stands in the message, at each place that matters. */
export function assertUnambiguous(
  envelope: Envelope,
  where: string,
  paths: readonly (readonly string[])[],
): void {
  const { message } = envelope;
  const text = textOf(envelope);
  const [loose, meant] = [readLoosely(text), readLoosely(JSON.stringify(message))];
  for (const path of paths) {
    const expected = shown(lookUp(meant, path, { sameAs: (key) => key, takes: "last" }));
    for (const reader of READERS) {
      const found = shown(lookUp(loose, path, reader));
      assert.equal(found, expected, `${where}: ${path.join(".")} read ${reader.name} in ${text}`);
    }
  }
}
