import assert from "node:assert/strict";
import type { Path } from "../document/document.ts";
import { expand, type ExpandOptions, expandText, Unknown } from "./expansion.ts";

const VARIABLES = { TOKEN: "s3cret", EMPTY: "", NESTED: "${TOKEN}", lower_1: "x", __proto__x: "y" };
const FILES: Readonly<Record<string, string>> = {
  "token.txt": "t0ken\n",
  "two.txt": "a\n\n",
  "crlf.txt": "b\r\n",
  "s3cret": "of a variable",
};

function expanded(value: unknown, options: Partial<ExpandOptions> = {}) {
  const readFile = (path: string) => {
    const text = FILES[path];
    return text === undefined ? { fault: "there is no such file" } : { text };
  };
  return expand(value, { variables: VARIABLES, readFile, isTable: (path) => path.length === 0, ...options });
}

function texts(value: unknown): string[] {
  return expanded(value).problems.map(({ path, text }) => `${path.join(".")}: ${text}`);
}

const CASES: readonly (readonly [text: string, becomes: string])[] = [
  ["Bearer ${TOKEN}", "Bearer s3cret"],
  ["${TOKEN}${lower_1}-${TOKEN}", "s3cretx-s3cret"],
  ["${env:TOKEN}", "s3cret"],
  ["${NOT_SET:-a default: ok}", "a default: ok"],
  ["${NOT_SET:-}", ""],
  ["${EMPTY:-instead}", "instead"],
  ["${EMPTY}", ""],
  ["${TOKEN:-unused}", "s3cret"],
  ['${NOT_SET:-{"a":1}}', '{"a":1}'],
  // What came from elsewhere is what it is.
  ["${NESTED}", "${TOKEN}"],
  ["${NOT_SET:-$TOKEN}", "$TOKEN"],
  // Any other dollar is one.
  ["$TOKEN $$ $1 a$ $(x)", "$TOKEN $$ $1 a$ $(x)"],
  ["$${TOKEN} $${input:x}", "${TOKEN} ${input:x}"],
  ["$$${TOKEN}", "$${TOKEN}"],
];

for (const [text, becomes] of CASES) {
  Deno.test(`expand makes ${JSON.stringify(becomes)} of ${text}`, () => {
    const { value, problems, isFromElsewhere } = expanded({ a: [text] });
    assert.deepEqual([value, problems], [{ a: [becomes] }, []]);
    assert.equal(isFromElsewhere(["a", 0]), text !== becomes);
  });
}

Deno.test("expand leaves keys and what is no text alone", () => {
  const value = { "${TOKEN}": 1, a: [true, null, 1.5, {}], b: { c: "x" } };
  assert.deepEqual(expanded(value).value, value);
});

Deno.test("expand tells of each variable that is not set, and where", () => {
  assert.deepEqual(texts({ a: "${NOPE}", b: { c: ["x", "${NOPE2} ${TOKEN}"] } }), [
    "a: the variable NOPE is not set; set it, or write ${NOPE:-default}",
    "b.c.1: the variable NOPE2 is not set; set it, or write ${NOPE2:-default}",
  ]);
  // Of no object's prototype either.
  assert.match(texts({ a: "${constructor}" })[0] ?? "", /constructor is not set/);
});

Deno.test("expand tells of what is no variable, and gives the way out of an editor's input", () => {
  for (const text of ["${}", "${a b}", "${1A}", "${TOKEN", "${A:?x}", "${command:x}"]) {
    assert.match(texts([text])[0] ?? "", /^0: expected \$\{NAME\} or \$\{NAME:-default\}/, text);
  }
  assert.match(
    texts(["${input:api-key}"])[0] ?? "",
    /input api-key; write \$\{API_KEY\} and set that variable/,
  );
});

Deno.test("expand puts the text of a file in, without the newline at its end", () => {
  const { value, isFromElsewhere } = expanded({
    a: { file: "token.txt" },
    b: [{ file: "two.txt" }, { file: "crlf.txt" }],
  });
  assert.deepEqual(value, { a: "t0ken", b: ["a\n", "b"] });
  assert(isFromElsewhere(["a"]) && isFromElsewhere(["b", 0]));
  assert.deepEqual(expanded({ a: { file: "${TOKEN}" } }).value, { a: "of a variable" });
});

Deno.test("expand takes a table for one where a table is meant, or has more keys than file", () => {
  const isTable = (path: Path) => path.length < 2;
  const value = { log: { file: "gone.txt" }, x: { y: { file: "gone.txt", more: 1 }, z: { file: 3 } } };
  const { value: same, problems } = expanded(value, { isTable });
  assert.deepEqual([same, problems], [value, []]);
});

Deno.test("expand tells of a file that cannot be read by the name that was written, not by what a variable made of it", () => {
  assert.deepEqual(texts({ a: { file: "gone.txt" } }), ['a: file "gone.txt": there is no such file']);
  assert.deepEqual(texts({ a: { file: "x-${TOKEN}" } }), ['a: file "x-${TOKEN}": there is no such file']);
});

Deno.test("expand leaves what is skipped as it is", () => {
  const { value, problems } = expanded({ a: { b: "${NOPE}" } }, { isSkipped: ([key]) => key === "a" });
  assert.deepEqual([value, problems], [{ a: { b: "${NOPE}" } }, []]);
});

Deno.test("expand knows an editor's folders, behind the environment", () => {
  const ofEditors = { workspaceFolder: "/work space", TOKEN: "no" };
  assert.deepEqual(expanded("${workspaceFolder}/x ${TOKEN}", { ofEditors }).value, "/work space/x s3cret");
});

Deno.test("expandText throws Unknown and quotes no value", () => {
  assert.throws(() => expandText("s3cret ${NOPE}", () => undefined), (error: unknown) => {
    assert(error instanceof Unknown);
    assert.doesNotMatch(error.message, /s3cret/);
    return true;
  });
});
