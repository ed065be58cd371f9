import assert from "node:assert/strict";
import { entryOf } from "./entry.ts";

const ID = "6f1c2f36-6f0e-4d8e-9d0a-0d8a4f3c2b11";

Deno.test("entryOf records an attempt with who it was and why it failed, and has no field for what it was proved by", () => {
  const proof = { kind: "apiKey", credential: "6026f3d037ea", address: "10.0.0.1" };
  assert.deepEqual(entryOf({ type: "auth.accepted", principal: "apiKey/ci", ...proof }), {
    ...{ event: "auth", server: undefined, result: "accepted", kind: "apiKey", key: "6026f3d037ea" },
    ...{ principal: "apiKey/ci", address: "10.0.0.1" },
  });
  assert.deepEqual(entryOf({ type: "auth.refused", reason: "expired", backend: "files", ...proof }), {
    ...{ event: "auth", server: "files", result: "refused", reason: "expired", kind: "apiKey" },
    ...{ key: "6026f3d037ea", address: "10.0.0.1" },
  });
});

Deno.test("entryOf records calls of tools and no other request, nor what servers ask", () => {
  const finished = {
    type: "request.finished",
    session: ID,
    direction: "up",
    id: 1,
    outcome: "result",
    durationMs: 1,
  } as const;
  assert.equal(entryOf({ ...finished, method: "tools/list" }), undefined);
  assert.equal(entryOf({ ...finished, direction: "down", method: "tools/call" }), undefined);
  // It has a line already, of who was refused.
  assert.equal(entryOf({ ...finished, method: "tools/call", outcome: "failed", isTold: true }), undefined);
  const entry = entryOf({ ...finished, method: "tools/call", tool: "a\u202eb", backend: "files" });
  assert.deepEqual([entry?.event, entry?.tool, entry?.server], ["tool.call", "a\\u202eb", "files"]);
});

Deno.test("entryOf shows of the id of a session its beginning alone, wherever it stands", () => {
  const events = [
    { type: "session.opened", session: ID, wire: "sse", scope: "session", address: "::1" },
    { type: "session.closed", session: ID, scope: "session", reason: `session ${ID} is over` },
    { type: "admin.called", method: "GET", path: `/runtime/sessions/${ID}`, status: 200, changed: ID },
    {
      type: "override.changed",
      server: "s",
      session: ID,
      changed: "args",
      live: 0,
      restart: 1,
      when: "now",
    },
  ] as const;
  for (const event of events) {
    const text = JSON.stringify(entryOf(event));
    assert(text.includes(ID.slice(0, 8)), text);
    assert(!text.includes(ID), text);
  }
});

Deno.test("entryOf records no single POST as a session", () => {
  const session = { session: ID, scope: "request" } as const;
  assert.equal(entryOf({ type: "session.opened", wire: "streamableHttp", ...session }), undefined);
  assert.equal(entryOf({ type: "session.closed", reason: "done", ...session }), undefined);
});

Deno.test("entryOf hides of arguments what looks like a secret, and cuts what is long", () => {
  const entry = entryOf({
    ...{ type: "tool.called", session: ID, id: 1, tool: "login" },
    arguments: { user: "ann", password: "s3cret", text: "x".repeat(100_000) },
  });
  const text = JSON.stringify(entry);
  assert.match(text, /"user":"ann"/);
  assert.doesNotMatch(text, /s3cret/);
  assert(text.length < 5_000, `${text.length}`);
});

Deno.test("entryOf records what changes: settings, keys, the configuration", () => {
  const keys = { kind: "apiKey", made: ["a"], changed: [], revoked: ["b"], removed: [] };
  assert.deepEqual(entryOf({ type: "auth.keys_changed", ...keys }), { event: "keys.changed", ...keys });
  const config = { added: ["x"], changed: [], removed: [], later: [] };
  assert.deepEqual(entryOf({ type: "config.applied", ...config }), { event: "config.applied", ...config });
  assert.deepEqual(entryOf({ type: "config.refused", problems: ["p"] }), {
    ...{ event: "config.refused", problems: ["p"] },
  });
});
