import assert from "node:assert/strict";
import { nobody } from "../../../tests/support/nobody.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import type { Caller } from "../../core/caller.ts";
import { serverScopeGuard } from "./server_scopes.ts";

const LET_IN = new Response("in");

function rig() {
  const { emit, events } = recorder();
  const resource = { audiences: new Set<string>(), scopes: ["a", "b"], emit };
  const guard = serverScopeGuard(() => ({ at: () => resource, metadataUrl: () => "https://host/m" }));
  return {
    events,
    ask: (caller: Caller) => guard(new Request("http://127.0.0.1/mcp"), caller, () => LET_IN),
  };
}

Deno.test("serverScopeGuard wants all scopes of what is asked for, and tells of who lacks one", () => {
  const { events, ask } = rig();
  const somebody = nobody();
  somebody.identify({ name: "apiKey/ci" }, ["a"], { kind: "apiKey", credential: "1" });
  const challenge = 'error="insufficient_scope", scope="a b", resource_metadata="https://host/m"';
  assert.throws(() => ask(somebody), {
    status: 403,
    data: { auth: { error: "insufficient_scope", scope: "a b" } },
    headers: { "WWW-Authenticate": `Bearer realm="keystone", ${challenge}` },
  });
  const stranger = nobody();
  stranger.grant(["b"]);
  assert.throws(() => ask(stranger), { status: 403 });
  const refused = { type: "auth.refused", address: undefined, reason: "insufficient scope", countable: true };
  assert.deepEqual(events, [
    { ...refused, kind: "apiKey", credential: "1", principal: "apiKey/ci", tool: undefined },
    { ...refused, kind: undefined, credential: undefined, principal: undefined, tool: undefined },
  ]);
});

Deno.test("serverScopeGuard lets in who has them, and asks nobody for what is open to anybody", () => {
  const { events, ask } = rig();
  const granted = nobody();
  granted.grant(["b", "c", "a"]);
  const anybody = nobody();
  anybody.foundOpen("probes");
  for (const caller of [granted, anybody]) assert.equal(ask(caller), LET_IN);
  const guard = serverScopeGuard(() => undefined);
  assert.equal(guard(new Request("http://127.0.0.1/mcp"), nobody(), () => LET_IN), LET_IN);
  assert.deepEqual(events, []);
});
