import assert from "node:assert/strict";
import { glob } from "../base/glob.ts";
import { hiddenNames, isFiltered } from "./hidden_names.ts";
import type { FilterSettings } from "./options.ts";

const patterns = (...list: readonly string[]) => list.map((pattern) => ({ pattern, matches: glob(pattern) }));
const OPEN = { allow: undefined, deny: [] };
const NOTHING: FilterSettings = { tools: OPEN, prompts: OPEN, resources: OPEN };
const MAX_CHARS = 8_192;

const resources = (allow: readonly string[] | undefined, deny: readonly string[]) =>
  hiddenNames(
    { ...NOTHING, resources: { allow: allow && patterns(...allow), deny: patterns(...deny) } },
    MAX_CHARS,
  );

Deno.test("isFiltered is false where everything is let through", () => {
  assert.equal(isFiltered(NOTHING), false);
  assert.equal(isFiltered({ ...NOTHING, tools: { allow: [], deny: [] } }), true);
  assert.equal(isFiltered({ ...NOTHING, resources: { allow: undefined, deny: patterns("*") } }), true);
});

Deno.test("hiddenNames has denied win over allowed, and nothing for a kind of which all is let through", () => {
  const { tools, prompts, resources } = hiddenNames(
    { ...NOTHING, tools: { allow: patterns("read_*", "list"), deny: patterns("*_secret") } },
    MAX_CHARS,
  );
  for (const name of ["read_file", "list"]) assert.equal(tools?.(name), false, name);
  for (const name of ["read_secret", "write", "List", ""]) assert.equal(tools?.(name), true, name);
  assert.deepEqual([prompts, resources], [undefined, undefined]);
  const none = hiddenNames({ ...NOTHING, tools: { allow: [], deny: [] } }, MAX_CHARS);
  assert.equal(none.tools?.("a"), true);
});

/** All of them are /etc/passwd to some reader of URIs. */
const PASSWD = [
  "file:///etc/passwd",
  "FILE:///etc/passwd",
  " file:///etc/passwd",
  "file:///open/../etc/passwd",
  "file:///open/%2e%2e/etc/passwd",
  "file:///open/..%2Fetc%2Fpasswd",
  "file:///open/..%252fetc/passwd",
  "file:///open\\..\\etc\\passwd",
];

Deno.test("hiddenNames hides a resource in each spelling that leads a server to it", () => {
  const allowed = resources(["file:///open/*"], []).resources!;
  const denied = resources(undefined, ["file:///etc/*"]).resources!;
  for (const uri of [...PASSWD, "file:////etc/passwd", "file://other/etc/passwd"]) {
    assert.equal(allowed(uri), true, uri);
    assert.equal(denied(uri), true, uri);
  }
  const one = resources(undefined, ["file:///etc/passwd", "demo://a"]).resources!;
  for (const uri of [...PASSWD, "file:///etc/passwd#", "file:///etc/passwd?a", "demo://a#b", "DEMO://a"]) {
    assert.equal(one(uri), true, uri);
  }
});

Deno.test("hiddenNames lets through what is allowed, with escapes and without", () => {
  const hides = resources([
    "file:///open/*",
    "file:///my dir/*",
    "file:///our%20dir/*",
    "memo:*",
    "notes",
    "https://a.example",
  ], [
    "file:///etc/*",
  ]).resources!;
  for (
    const uri of [
      "file:///open/a",
      "file:///open/a%20b",
      "file:///open/a b",
      "file:///open/../open/a",
      "file:///open//a",
      "file:///open/100%",
      "file:///my dir/a",
      "file:///my%20dir/a",
      "file:///our%20dir/a",
      "memo:insights",
      "notes",
      "https://a.example",
      "https://a.example/",
    ]
  ) assert.equal(hides(uri), false, uri);
});

Deno.test("hiddenNames holds the same patterns against templates", () => {
  const hides = resources(["file:///open/*", "demo://a/\\{id\\}", "demo://b*"], ["*secret*"]).resources!;
  for (
    const uri of ["file:///open/{path}", "file:///open/{+path}", "demo://a/{id}", "demo://b{?q,r}{#part}"]
  ) {
    assert.equal(hides(uri), false, uri);
  }
  for (const uri of ["file:///{path}", "FILE:///open/{path}", "demo://a/{other}", "demo://b/secret/{id}"]) {
    assert.equal(hides(uri), true, uri);
  }
});

Deno.test("hiddenNames hides what is longer than names may be, without a look at it", () => {
  const looked: number[] = [];
  const matches = (name: string) => {
    looked.push(name.length);
    return false;
  };
  const all = { allow: undefined, deny: [{ pattern: "*", matches }] };
  const { tools, resources } = hiddenNames({ ...NOTHING, tools: all, resources: all }, MAX_CHARS);
  assert.equal(tools?.("a".repeat(MAX_CHARS)), false);
  assert.deepEqual(looked, [MAX_CHARS]);
  const long = "a".repeat(MAX_CHARS + 1);
  assert.deepEqual([tools?.(long), resources?.(long)], [true, true]);
  assert.deepEqual(looked, [MAX_CHARS]);
});
