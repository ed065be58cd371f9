import assert from "node:assert/strict";
import { Random, randomSeed } from "../../tests/support/random.ts";
import { splice } from "./splice.ts";

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

/** The members that JSON.parse finds in the objects on a path. */
function sizesOn(root: unknown, path: readonly string[]): number[] {
  const sizes: number[] = [];
  let value = root;
  for (const key of path) {
    if (!isObject(value)) break;
    sizes.push(Object.keys(value).length);
    value = Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return sizes;
}

/** The text with what stands at the path exchanged. */
function spliceOne(text: string, path: readonly string[], value: string | number): string | undefined {
  return splice(text, [{ path, value }]);
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
      if (expected === undefined) continue;
      const sized = splice(text, [{ path, value, sizes: sizesOn(JSON.parse(text), path) }]);
      const where = `seed ${seed}: ${path.join(".")} in ${text}`;
      for (const changed of [sized, spliceOne(text, path, value)]) {
        if (changed === undefined) continue;
        spliced++;
        assert.deepEqual(JSON.parse(changed), expected, where);
        const [before = "", after = "", ...more] = changed.split(JSON.stringify(value));
        assert(more.length === 0 && text.startsWith(before) && text.endsWith(after), where);
      }
    }
  }
  assert(spliced > 6_000, `only ${spliced} texts were spliced with seed ${seed}`);
});

Deno.test("splice makes several edits, in whatever order they stand in the text", () => {
  const edits = [{ path: ["id"], value: 7 }, { path: ["params", "t"], value: "ü" }];
  const cases: [text: string, expected: string][] = [
    ['{"id":1,"params":{"t":2}}', '{"id":7,"params":{"t":"ü"}}'],
    [
      '{"ä":"€😀","params":{"t":"😀","id":3},"x":["ö"],"id":"ß"}',
      '{"ä":"€😀","params":{"t":"ü","id":3},"x":["ö"],"id":7}',
    ],
  ];
  for (const [text, expected] of cases) {
    for (const order of [edits, edits.toReversed()]) assert.equal(splice(text, order), expected);
  }
  // One that is not certain lets none be made.
  assert.equal(splice('{"id":1,"params":{}}', edits), undefined);
});

Deno.test("splice reads strings of any length, wherever their escapes stand", () => {
  for (let length = 0; length < 300; length++) {
    for (const odd of ['\\"', "\\\\", '\\\\\\"', "ü", '\\"id\\":2,']) {
      const string = `"${"x".repeat(length)}${odd}${"y".repeat(length % 70)}"`;
      assert.equal(spliceOne(`{"a":[${string}],"id":"\\n"}`, ["id"], 7), `{"a":[${string}],"id":7}`);
    }
  }
});

Deno.test("splice reads texts of any size", () => {
  for (const letter of ["x", "ü", "€"]) {
    const long = `{"a":"${letter.repeat(1_500_000)}","n":{"id":[]}`;
    assert.equal(spliceOne(`${long},"id":"\\n"}`, ["id"], 7), `${long},"id":7}`);
  }
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
  for (const [text, expected] of cases) assert.equal(spliceOne(text, ["id"], 7), expected);
});

Deno.test("splice is not sure of objects that have the key twice, or one with an escape", () => {
  const texts = [
    '{"id":1,"id":2}',
    '{"id":1,"\\u0069d":2}',
    '{"\\u0069d":2}',
    '{"a\\n":"id","id":1}',
    '{"x\\"id":1,"\\u0069d":1}',
  ];
  for (const text of texts) assert.equal(spliceOne(text, ["id"], 7), undefined, text);
  const twice = '{"params":{"_meta":{"id":1}},"params":{"_meta":{"id":1}}}';
  assert.equal(spliceOne(twice, ["params", "_meta", "id"], 7), undefined);
});

Deno.test("splice is not sure of a text with more members than JSON.parse has found on the path", () => {
  const path = ["params", "_meta", "token"];
  const certain = '{"params":{"_meta":{"a":{"token":1,"a":2,"a":3}},"x":[{"y":1,"y":2}]}}';
  assert.equal(splice(certain, [{ path, value: undefined, sizes: [1, 2, 1] }]), certain);
  const hidden = [
    '{"params":{"_meta":{"token":1}},"params":{}}',
    '{"params":{"_meta":{"token":1},"_meta":{}}}',
    '{"params":{"_meta":{"a":1,"a":2}}}',
    '{"params":{"_meta":{"token":1}},"p\\u0061rams":{}}',
    '{"params":{"_meta":{"\\u0074oken":1}}}',
  ];
  for (const text of hidden) {
    const sizes = sizesOn(JSON.parse(text), path);
    assert.equal(splice(text, [{ path, value: undefined, sizes }]), undefined, text);
  }
  assert.equal(splice('{"a":1,"id":2,"a":"id"}', [{ path: ["id"], value: 7, sizes: [2] }]), undefined);
});

Deno.test("splice takes no text that looks like the key for it", () => {
  const cases: [text: string, expected: string][] = [
    ['{"a":"x\\"id","id":1}', '{"a":"x\\"id","id":7}'],
    ['{"x\\"":"id","n":"\\"id\\":2","id":1}', ""],
    ['{"a":["id"],"id":1}', '{"a":["id"],"id":7}'],
    ['{"id":"id"}', '{"id":7}'],
    ['{"a":"\\u0022id\\u0022:","id":1}', '{"a":"\\u0022id\\u0022:","id":7}'],
    ['{"\ufeffid":3,"n":["id"],"id":1}', '{"\ufeffid":3,"n":["id"],"id":7}'],
  ];
  for (const [text, expected] of cases) assert.equal(spliceOne(text, ["id"], 7) ?? "", expected, text);
});

Deno.test("splice writes strings as JSON does", () => {
  for (const id of ["", 'a"b', "\\", "\n", "ü\ud800", "a:b"]) {
    assert.deepEqual(JSON.parse(spliceOne('{"id":1}', ["id"], id) ?? ""), { id });
  }
});

Deno.test("splice knows that a slash in a key may be written in two ways", () => {
  const path = ["b", "x/y"];
  assert.equal(spliceOne('{"b":{"x/y":1}}', path, 7), '{"b":{"x/y":7}}');
  assert.equal(spliceOne('{"a":"<\\/a>","b":{"x/y":1}}', path, 7), '{"a":"<\\/a>","b":{"x/y":7}}');
  // An escape in a key is never certain.
  assert.equal(spliceOne('{"a":{"x/y":2},"b":{"x\\/y":1}}', path, 7), undefined);
});
