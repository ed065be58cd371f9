import assert from "node:assert/strict";
import { type Document, extensionOf, EXTENSIONS, type Fault, type Path, readDocument } from "./document.ts";

async function documentOf(text: string, extension: string): Promise<Document> {
  const reading = await readDocument(text, extension);
  assert(reading.kind === "document", `${extension}: ${JSON.stringify(reading)}`);
  return reading.document;
}

async function faultsOf(text: string, extension: string): Promise<readonly Fault[]> {
  const reading = await readDocument(text, extension);
  assert(reading.kind === "faults", `${extension}: ${text}`);
  return reading.faults;
}

type Format = "toml" | "yaml" | "json";
/** The same said in each format. */
type Texts = Readonly<Record<Format, string>>;

interface Case extends Texts {
  readonly what: string;
  readonly value: unknown;
  /** Where some keys and items are. */
  readonly places?: readonly (readonly [path: Path, places: Readonly<Record<Format, string>>])[];
}

const CASES: readonly Case[] = [
  { what: "nothing", toml: "", yaml: "", json: "{}", value: {} },
  { what: "comments alone", toml: "# a\n", yaml: "# a\n", json: "/* a */ {} // b", value: {} },
  {
    what: "tables in tables",
    toml: '[listen]\nport = 9000\n[servers.files]\ncommand = "npx"\n',
    yaml: "listen:\n  port: 9000\nservers:\n  files:\n    command: npx\n",
    json: '{\n  "listen": { "port": 9000 },\n  "servers": { "files": { "command": "npx" } }\n}',
    value: { listen: { port: 9000 }, servers: { files: { command: "npx" } } },
    places: [
      [["listen", "port"], { toml: "2:1", yaml: "2:3", json: "2:15" }],
      [["servers", "files"], { toml: "3:10", yaml: "4:3", json: "3:16" }],
      [["servers", "files", "command"], { toml: "4:1", yaml: "5:5", json: "3:27" }],
      // What is not there is where it would be.
      [["servers", "files", "args", 0], { toml: "3:10", yaml: "4:3", json: "3:16" }],
      [["nowhere"], { toml: "1:1", yaml: "1:1", json: "1:1" }],
    ],
  },
  {
    what: "lists, with a comma too many where the format has commas",
    toml: 'args = [\n  "-y",\n  "a b",\n]\n',
    yaml: 'args:\n  - "-y"\n  - a b\n',
    json: '{"args": [\n"-y",\n  "a b",\n]}',
    value: { args: ["-y", "a b"] },
    places: [
      [["args", 1], { toml: "3:3", yaml: "3:5", json: "3:3" }],
      [["args", 7], { toml: "1:1", yaml: "1:1", json: "1:2" }],
    ],
  },
  {
    what: "numbers, truth and texts that look like them",
    toml: 'a = 5\nb = 1.5\nc = true\nd = "5"\ne = "true"\nf = "no"\n',
    yaml: 'a: 5\nb: 1.5\nc: true\nd: "5"\ne: "true"\nf: no\n',
    json: '{"a": 5, "b": 1.5, "c": true, "d": "5", "e": "true", "f": "no"}',
    value: { a: 5, b: 1.5, c: true, d: "5", e: "true", f: "no" },
  },
  {
    what: "keys with dots, in quotes, and of letters that JavaScript treats apart",
    toml: '"a.b" = 1\n"c d".e = 2\n__proto__ = 3\nconstructor.x = 4\n',
    yaml: '"a.b": 1\n"c d": { e: 2 }\n__proto__: 3\nconstructor: { x: 4 }\n',
    json: '{"a.b": 1, "c d": {"e": 2}, "__proto__": 3, "constructor": {"x": 4}}',
    value: Object.fromEntries<unknown>([["a.b", 1], ["c d", { e: 2 }], ["__proto__", 3], ["constructor", {
      x: 4,
    }]]),
    places: [[["c d", "e"], { toml: "2:7", yaml: "2:10", json: "1:20" }]],
  },
  {
    what: "texts over several lines, and of any letters",
    toml: 'a = """one\ntwo"""\nb = "ä👋\\u00e4"\n',
    yaml: 'a: |-\n  one\n  two\nb: "ä👋\\u00e4"\n',
    json: '{"a": "one\\ntwo", "b": "ä👋\\u00e4"}',
    value: { a: "one\ntwo", b: "ä👋ä" },
  },
  {
    what: "Windows line ends and a byte order mark",
    toml: "\uFEFFa = 1\r\nb = 2\r\n",
    yaml: "\uFEFFa: 1\r\nb: 2\r\n",
    json: '\uFEFF{"a": 1,\r\n"b": 2}\r\n',
    value: { a: 1, b: 2 },
    places: [[["b"], { toml: "2:1", yaml: "2:1", json: "2:1" }]],
  },
  {
    what: "tables in lists",
    toml: "x.list = [{ a = 1 }, { a = 2 }]\n[[x.more]]\nb = 1\n[x.more.deep]\nc = 2\n[[x.more]]\nb = 3\n",
    yaml: "x:\n  list: [{ a: 1 }, { a: 2 }]\n  more:\n    - { b: 1, deep: { c: 2 } }\n    - b: 3\n",
    json: '{"x": {"list": [{"a": 1}, {"a": 2}],\n"more": [{"b": 1, "deep": {"c": 2}},\n{"b": 3}]}}',
    value: { x: { list: [{ a: 1 }, { a: 2 }], more: [{ b: 1, deep: { c: 2 } }, { b: 3 }] } },
    places: [[["x", "more", 1, "b"], { toml: "7:1", yaml: "5:7", json: "3:2" }]],
  },
];

const FORMATS = ["toml", "yaml", "json"] as const;

for (const { what, value, places = [], ...texts } of CASES) {
  Deno.test(`readDocument reads ${what} alike from every format`, async () => {
    for (const format of FORMATS) {
      const document = await documentOf(texts[format], format);
      assert.deepEqual(document.value, value, format);
      for (const [path, at] of places) {
        const { line, column } = document.positionOf(path);
        assert.equal(`${line}:${column}`, at[format], `${format} ${path.join(".")}`);
      }
    }
  });
}

interface Wrong extends Texts {
  readonly what: string;
  /** Where each fault is; a parser that stops at the first tells of that one. */
  readonly at: Readonly<Record<Format, readonly string[]>>;
}

const WRONG: readonly Wrong[] = [
  {
    what: "a key that is there twice",
    toml: "[a]\nb = 1\nb = 2\n",
    yaml: "a:\n  b: 1\n  b: 2\n",
    json: '{"a":\n{"b": 1,\n"b": 2}}',
    at: { toml: ["3:1"], yaml: ["3:3"], json: ["3:1"] },
  },
  {
    what: "a text without an end",
    toml: 'a = "s3cret\n',
    yaml: 'a: "s3cret\n',
    json: '{"a": "s3cret\n}',
    at: { toml: ["1:12"], yaml: ["2:1"], json: ["1:7"] },
  },
  {
    what: "something that is not of the format",
    toml: "a = 1\n!!\n",
    yaml: "a: 1\n}\n  s3cret\n",
    json: '{"a": 1\n!!}',
    at: { toml: ["2:1"], yaml: ["2:1", "3:3"], json: ["2:1"] },
  },
];

for (const { what, at, ...texts } of WRONG) {
  Deno.test(`readDocument says where ${what} is, and quotes nothing of the text`, async () => {
    for (const format of FORMATS) {
      const faults = await faultsOf(texts[format], format);
      const places = faults.map(({ at: { line, column } }) => `${line}:${column}`);
      assert.deepEqual(places, at[format], `${format} ${JSON.stringify(faults)}`);
      assert.doesNotMatch(JSON.stringify(faults), /s3cret|\\n/);
    }
  });
}

Deno.test("readDocument tells all faults at once where the parser goes on behind one", async () => {
  assert.equal((await faultsOf('{"a": ,\n"b" 1}', "json")).length, 2);
  assert.equal((await faultsOf("a: [\nb: ]\nc: : d\n", "yaml")).length > 1, true);
  assert.equal((await faultsOf('{"a": 1, "a": 2, "b": [{"c": 1, "c": 2}]}', "json")).length, 2);
});

Deno.test("readDocument follows aliases of YAML, but none of itself and not any number of them", async () => {
  const { value } = await documentOf("a: &x { n: 1 }\nb: *x\n", "yaml");
  assert.deepEqual(value, { a: { n: 1 }, b: { n: 1 } });
  assert.match((await faultsOf("a: &x [*x]\n", "yaml"))[0]?.text ?? "", /\*x .* part of/);
  assert.equal((await faultsOf("a: *x\n", "yaml"))[0]?.text, "*x: no &x stands before it");
  const laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let n = 1; n < 8; n++) laughs.push(`a${n}: &a${n} [${Array(10).fill(`*a${n - 1}`).join(", ")}]`);
  assert.match((await faultsOf(laughs.join("\n"), "yaml"))[0]?.text ?? "", /more than \d+ values/);
});

Deno.test("readDocument refuses a text that nests without end", async () => {
  for (const format of ["json", "yaml", "toml"]) {
    const text = (format === "toml" ? "a = " : "") + "[".repeat(100_000) + "]".repeat(100_000);
    assert.deepEqual((await faultsOf(text, format)).map(({ text }) => text), ["nests too deep"], format);
  }
});

Deno.test("extensionOf knows the formats by the end of a name", () => {
  assert.deepEqual(EXTENSIONS, ["toml", "yaml", "yml", "json", "jsonc"]);
  assert.equal(extensionOf("/a/mcp.JSON"), "json");
  for (const name of ["mcp.js", "json", "a.json/b", "https://host/mcp.html"]) {
    assert.equal(extensionOf(name), undefined);
  }
});
