import assert from "node:assert/strict";
import { request, result } from "../../../tests/support/messages.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import type { Principal } from "../../core/backend.ts";
import { scopeOptions } from "./options.ts";
import { allScopes, hasToolScopes, serverScopes, toolCheck } from "./scopes.ts";

const requiredScope = scopeOptions.shape.requiredScope;
const rulesOf = (...texts: string[]) => requiredScope.parse(texts);

Deno.test("requiredScope is for all or for tools, repeated or joined by commas", () => {
  const rules = rulesOf("read", "delete_*=admin,{a,b}=write", "a=b=c");
  assert.deepEqual(rules.map(({ tools, scope }) => [tools?.pattern, scope]), [
    [undefined, "read"],
    ["delete_*", "admin"],
    ["{a,b}", "write"],
    ["a=b", "c"],
  ]);
  assert.deepEqual([serverScopes(rules), allScopes(rules)], [["read"], ["read", "admin", "write", "c"]]);
  assert.deepEqual([rulesOf("read"), rules].map(hasToolScopes), [false, true]);
});

Deno.test("requiredScope refuses what is no scope, and what would need one of no tool", () => {
  for (const text of ["", "a b", "=admin", "delete_*=", "[=admin", "read,", 'a"b', "delete_*=a b"]) {
    const { error } = requiredScope.safeParse([text]);
    assert.match(
      error?.issues[0]?.message ?? "",
      /^expected a scope, such as tools, or a pattern of tools/,
      text,
    );
  }
});

Deno.test("toolCheck asks for all scopes of a tool, and of nothing else", () => {
  const { emit, told } = recorder();
  const check = toolCheck(rulesOf("read", "delete_*=admin", "*_file=files"), { maxChars: 100, emit });
  const call = (name: unknown, scopes: string[], principal?: Principal) => () =>
    check(request(1, "tools/call", { name }), { scopes, principal, credential: "k1", address: "::1" }, "u");
  const needs = (scope: string) => ({ status: 403, data: { auth: { error: "insufficient_scope", scope } } });
  assert.throws(call("delete_file", ["read", "admin"]), needs("read admin files"));
  assert.throws(call("delete_x", ["admin"]), needs("read admin"));
  assert.throws(call("x".repeat(101), ["read", "admin"]), needs("read admin files"));
  for (const name of [undefined, 1, ["x"], {}]) assert.throws(call(name, ["read"]), { code: -32602 });
  call("delete_file", ["files", "read", "admin"])();
  call("x", ["read"])();
  check(request(1, "tools/list"), {});
  check(result(1, {}), {});
  assert.throws(call("delete_x", [], { name: "apiKey/ci" }), needs("read admin"));
  const refused = {
    type: "auth.refused",
    kind: undefined,
    credential: "k1",
    address: "::1",
    countable: true,
  };
  // What is no name is no question of scopes.
  const principals = [undefined, undefined, undefined, "apiKey/ci"];
  assert.deepEqual(
    told("auth.refused"),
    ["delete_file", "delete_x", "x".repeat(101), "delete_x"].map((tool, index) => (
      { ...refused, reason: "insufficient scope", tool, principal: principals[index] }
    )),
  );
});
