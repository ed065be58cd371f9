import assert from "node:assert/strict";
import { Random, randomSeed } from "../../tests/support/random.ts";
import { leadsNowhere, splice } from "./splice.ts";

/** Random JSON text, odd on purpose: white space, escapes, keys that are there twice, and "id" everywhere. */
class Texts {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  object(depth: number, keys = this.#keys()): string {
    const members = keys.map((key) =>
      [this.#space(), key, this.#space(), ":", this.value(depth - 1)].join("")
    );
    return `${this.#space()}{${members.join(",")}${this.#space()}}${this.#space()}`;
  }

  value(depth: number): string {
    const kind = this.#random.below(depth > 0 ? 7 : 5);
    if (kind === 5) return this.object(depth);
    if (kind === 6) {
      return `${this.#space()}[${
        Array.from({ length: this.#random.below(4) }, () => this.value(depth - 1)).join(",")
      }${depth % 2 ? "" : " "}]`;
    }
    return `${this.#space()}${this.#scalar(kind)}${this.#space()}`;
  }

  #scalar(kind: number): string {
    if (kind === 0) return this.#random.pick(["true", "false", "null"]);
    if (kind === 1) return this.#random.pick(["0", "-0", "-1.5e+30", "12345678901234567890", "1E-7", "1.0"]);
    return this.#string();
  }

  #keys(): string[] {
    return Array.from({ length: this.#random.below(6) }, () => this.#key());
  }

  #key(): string {
    const odd = ['"\\u0069d"', '"i\\u0064"', '"ID"', '" id"', '"id\\""', '"\\"id"', '"\\\\"', '""'];
    return this.#random.pick([
      '"id"',
      '"params"',
      '"_meta"',
      '"result"',
      this.#string(),
      this.#random.pick(odd),
    ]);
  }

  #string(): string {
    const pieces = [
      "a",
      '\\"',
      "\\\\",
      '\\"id\\":1',
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "\\u0022",
      "\\n",
      "ü😀",
      " ",
    ];
    return `"${Array.from({ length: this.#random.below(6) }, () => this.#random.pick(pieces)).join("")}"`;
  }

  #space(): string {
    return this.#random.pick(["", "", "", " ", "\n\t", "\r\n "]);
  }
}

/** What JSON.parse says of the same text with the value exchanged; undefined where there is no such place. */
function exchanged(text: string, path: readonly string[], value: string | number): unknown {
  const root = JSON.parse(text);
  let parent = root;
  for (const key of path.slice(0, -1)) parent = isObject(parent) ? parent[key] : undefined;
  const last = path.at(-1) ?? "";
  if (!isObject(parent) || !Object.hasOwn(parent, last)) return undefined;
  parent[last] = value;
  return root;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

Deno.test("splice changes what JSON.parse would find at the path, and nothing else, in random texts", () => {
  const seed = randomSeed();
  const texts = new Texts(seed);
  const paths = [["id"], ["params", "_meta", "id"], ["params", "id"]];
  let spliced = 0;
  for (let round = 0; round < 30_000; round++) {
    const text = texts.object(4);
    for (const path of paths) {
      const value = round % 2 ? 987_654_321 : '§"\\';
      const expected = exchanged(text, path, value);
      if (leadsNowhere(text, path)) assert.equal(expected, undefined, text);
      const changed = expected === undefined ? undefined : splice(text, path, value);
      if (changed === undefined) continue;
      spliced++;
      const where = `seed ${seed}: ${path.join(".")} in ${text}`;
      assert.deepEqual(JSON.parse(changed), expected, where);
      const [before = "", after = "", ...more] = changed.split(JSON.stringify(value));
      assert(more.length === 0 && text.startsWith(before) && text.endsWith(after), where);
    }
  }
  assert(spliced > 3_000, `only ${spliced} texts were spliced with seed ${seed}`);
});

Deno.test("splice finds the id of plain messages, wherever it stands", () => {
  const cases: [text: string, expected: string][] = [
    ['{"jsonrpc":"2.0","id":1,"result":{}}', '{"jsonrpc":"2.0","id":7,"result":{}}'],
    ['{"result":{"id":1},"jsonrpc":"2.0","id":"x"}', '{"result":{"id":1},"jsonrpc":"2.0","id":7}'],
    [' { "id" : -1.5e3 , "n":12345678901234567890}\n', ' { "id" : 7 , "n":12345678901234567890}\n'],
    ['{"a":"\\\\","id":"\\"id\\":","b":"}"}', '{"a":"\\\\","id":7,"b":"}"}'],
    ['{"id":null,"error":{"id":{"id":[{"id":2}]}}}', '{"id":7,"error":{"id":{"id":[{"id":2}]}}}'],
    ['{"id":{"id":1}}', '{"id":7}'],
  ];
  for (const [text, expected] of cases) assert.equal(splice(text, ["id"], 7), expected);
});

Deno.test("splice is not sure of objects that have a key twice, or one with an escape", () => {
  const texts = [
    '{"id":1,"id":2}',
    '{"a":1,"id":2,"a":"id"}',
    '{"id":1,"\\u0069d":2}',
    '{"\\u0069d":2}',
    '{"a\\n":"id","id":1}',
    '{"x\\"id":1,"\\u0069d":1}',
  ];
  for (const text of texts) assert.equal(splice(text, ["id"], 7), undefined, text);
  const twice = '{"params":{"_meta":{"id":1}},"params":{"_meta":{"id":1}}}';
  assert.equal(splice(twice, ["params", "_meta", "id"], 7), undefined);
});

Deno.test("splice takes no text that looks like the key for it", () => {
  const cases: [text: string, expected: string][] = [
    ['{"a":"x\\"id","id":1}', '{"a":"x\\"id","id":7}'],
    ['{"x\\"":"id","n":"\\"id\\":2","id":1}', ""],
    ['{"a":["id"],"id":1}', '{"a":["id"],"id":7}'],
    ['{"id":"id"}', '{"id":7}'],
    ['{"a":"\\u0022id\\u0022:","id":1}', '{"a":"\\u0022id\\u0022:","id":7}'],
  ];
  for (const [text, expected] of cases) assert.equal(splice(text, ["id"], 7) ?? "", expected, text);
});

Deno.test("leadsNowhere is true only where no reader could find anything", () => {
  const path = ["params", "_meta", "token"];
  for (
    const text of [
      "{}",
      "[]",
      '{"params":1}',
      '{"params":[]}',
      '{"params":{"_meta":{"a":{"token":1}}},"token":1}',
    ]
  ) {
    assert(leadsNowhere(text, path), text);
  }
  const hidden = [
    '{"params":{"_meta":{"token":1}}}',
    '{"params":{"_meta":{"token":1}},"params":{}}',
    '{"params":{"_meta":{"token":1},"_meta":{}}}',
    '{"params":{"_meta":{"token":1}},"p\\u0061rams":{}}',
    '{"params":{"_meta":{"\\u0074oken":1}}}',
  ];
  for (const text of hidden) assert(!leadsNowhere(text, path), text);
});

Deno.test("splice writes strings as JSON does", () => {
  for (const id of ["", 'a"b', "\\", "\n", "ü\ud800", "a:b"]) {
    assert.deepEqual(JSON.parse(splice('{"id":1}', ["id"], id) ?? ""), { id });
  }
});
