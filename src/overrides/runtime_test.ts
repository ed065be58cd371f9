import assert from "node:assert/strict";
import { BackendError, ConflictError } from "../core/errors.ts";
import { FakeBackend } from "../../tests/support/fake_backend.ts";
import { settled } from "../../tests/support/far_end.ts";
import { request, result } from "../../tests/support/messages.ts";
import { answerNext, NOBODY, refusedWith, runtimeRig, takenOver } from "../../tests/support/runtime_rig.ts";

const MODE = { env: { MODE: "set" } };
const BARE = { args: [], env: {} };
const SET = { args: [], env: { MODE: "set" } };

Deno.test("Runtime opens the server of a session again when no request is open, and the session goes on", async () => {
  await using rig = runtimeRig();
  const { client, server } = await rig.visit("s1");
  client.say(request(1));
  const asked = await server.hear();
  const applied = rig.runtime.changeSession("s1", MODE);
  assert.deepEqual(takenOver(applied), { ...NOBODY, restart: ["s1"] });
  assert.deepEqual(applied.value, MODE);
  await settled();
  assert.equal(rig.backend.attempts, 1, "its request is open");
  assert.deepEqual(asked, request(1));
  server.say(result(1));
  assert.deepEqual(await client.hear(), result(1));
  const second = await rig.replayed();
  assert.deepEqual([server.disposed, rig.launched()], [true, [BARE, SET]]);
  client.say(request(2));
  await answerNext(second, client);
});

Deno.test("Runtime opens the server of a session again at once, and answers what is open with the loss", async () => {
  await using rig = runtimeRig();
  const { client } = await rig.visit("s1");
  client.say(request(1));
  await settled();
  rig.runtime.changeSession("s1", MODE, { restart: "now" });
  assert.match(JSON.stringify(await client.hear()), /opened again with other settings: the answer is lost/);
  client.say(request(2));
  await answerNext(await rig.replayed(), client);
  assert.deepEqual(rig.launched(), [BARE, SET]);
});

Deno.test("Runtime leaves the server of a session alone when it is told so, and the next one has what was set", async () => {
  await using rig = runtimeRig();
  const { client, server } = await rig.visit("s1");
  const applied = rig.runtime.changeSession("s1", MODE, { restart: "never" });
  assert.deepEqual(applied.restart, ["s1"]);
  client.say(request(1));
  await answerNext(server, client);
  assert.equal(rig.backend.attempts, 1);
  await server.leave();
  await rig.replayed();
  assert.deepEqual(rig.launched(), [BARE, SET]);
});

Deno.test("Runtime gives defaults to sessions that come later, and to the others what was left to a later restart", async () => {
  await using rig = runtimeRig();
  const first = await rig.visit("s1");
  assert.deepEqual(rig.runtime.changeDefaults(MODE, { restart: "never" }).restart, ["s1"]);
  await rig.visit("s2");
  assert.deepEqual(rig.launched(), [BARE, SET]);
  // Nothing else is set by this, but one server has still to take it over.
  assert.deepEqual(takenOver(rig.runtime.changeDefaults({})), { ...NOBODY, restart: ["s1"] });
  await rig.replayed();
  assert.deepEqual([first.server.disposed, rig.launched()], [true, [BARE, SET, SET]]);
});

Deno.test("Runtime concerns no session with defaults over which its own override counts", async () => {
  await using rig = runtimeRig();
  await rig.visit("s1");
  rig.runtime.changeSession("s1", { env: { MODE: "own" } });
  await rig.replayed();
  await rig.visit("s2");
  assert.deepEqual(rig.runtime.changeDefaults(MODE, { restart: "never" }).restart, ["s2"]);
});

Deno.test("Runtime has everything as it is configured again when it is cleared", async () => {
  await using rig = runtimeRig();
  await rig.visit("s1");
  rig.runtime.changeSession("s1", { args: ["-v"], ...MODE });
  await rig.replayed();
  const cleared = rig.runtime.clearSession("s1");
  assert.deepEqual([cleared.value, cleared.restart], [{}, ["s1"]]);
  await rig.replayed();
  assert.deepEqual(rig.launched(), [BARE, { args: ["-v"], env: { MODE: "set" } }, BARE]);
  rig.runtime.changeDefaults(MODE, { restart: "never" });
  assert.deepEqual(rig.runtime.clearDefaults().value, {});
});

Deno.test("Runtime opens no server again for what was taken back before it had it", async () => {
  await using rig = runtimeRig();
  await rig.visit("s1");
  rig.runtime.changeSession("s1", MODE, { restart: "never" });
  assert.deepEqual(takenOver(rig.runtime.clearSession("s1")), { ...NOBODY, live: ["s1"] });
  await settled();
  assert.equal(rig.backend.attempts, 1);
});

Deno.test("Runtime takes one of two changes of the same version, and changes nothing by the other", async () => {
  await using rig = runtimeRig();
  await rig.visit("s1");
  const { etag: ifMatch } = rig.runtime.session("s1");
  rig.runtime.changeSession("s1", { env: { A: "1" } }, { ifMatch, restart: "never" });
  const late = () => rig.runtime.changeSession("s1", { env: { A: "2" } }, { ifMatch, restart: "now" });
  assert.throws(late, ConflictError);
  assert.deepEqual(rig.runtime.session("s1").value, { env: { A: "1" } });
  await settled();
  assert.equal(rig.backend.attempts, 1);
});

Deno.test("Runtime tells of each session, and ends one", async () => {
  await using rig = runtimeRig();
  const { client } = await rig.visit("s1", { name: "ann" });
  rig.runtime.changeSession("s1", { env: { API_KEY: "s3cret" } });
  await rig.replayed();
  client.say(request(1));
  await settled();
  const [{ ageSeconds, ...report } = { ageSeconds: NaN }, ...others] = rig.runtime.sessions();
  assert(ageSeconds >= 0);
  assert.deepEqual(others, []);
  assert.deepEqual(report, {
    ...{ id: "s1", server: "fake", wire: "websocket", client: { name: "tester", version: "1.2.3" } },
    ...{ protocolVersion: "2025-11-25", principal: "ann", idleSeconds: undefined, openRequests: 1 },
    ...{ pid: undefined, restarts: 1, override: { env: { API_KEY: "[REDACTED]" } } },
  });
  rig.runtime.endSession("s1");
  assert.match(JSON.stringify(await client.hear()), /ended by who runs the gateway/);
  await client.rest();
  assert.equal(rig.runtime.has("s1"), false);
  assert.equal(rig.overrides.isOverridden("s1"), false, "it is forgotten");
  for (const operation of ["session", "clearSession", "restartSession", "endSession"] as const) {
    assert.throws(() => rig.runtime[operation]("s1"), refusedWith(404, /Session not found/));
  }
});

Deno.test("Runtime opens the server of a session again though nothing is set", async () => {
  await using rig = runtimeRig();
  const { client } = await rig.visit("s1");
  rig.runtime.restartSession("s1");
  client.say(request(1));
  await answerNext(await rig.replayed(), client);
  assert.deepEqual(rig.launched(), [BARE, BARE]);
});

Deno.test("Runtime tells observers what was changed, and no value of it", async () => {
  await using rig = runtimeRig();
  await rig.visit("s1");
  rig.runtime.changeSession("s1", { args: ["s3cret"], env: { API_KEY: "s3cret" } }, { restart: "never" });
  rig.runtime.clearDefaults();
  assert.deepEqual(rig.told("override.changed"), [
    {
      ...{ type: "override.changed", server: "the fake", session: "s1", changed: "args, env.API_KEY" },
      ...{ live: 0, restart: 1, when: "never" },
    },
    {
      ...{ type: "override.changed", server: "the fake", changed: "all cleared" },
      ...{ live: 0, restart: 1, when: "idle" },
    },
  ]);
  await rig.replayed();
});

Deno.test("Runtime forgets a restart that waits for a session that ends", async () => {
  await using rig = runtimeRig();
  const { client } = await rig.visit("s1");
  client.say(request(1));
  await settled();
  rig.runtime.changeSession("s1", MODE);
  await client.leave();
  await settled();
  assert.deepEqual([rig.backend.attempts, rig.told("fault")], [1, []]);
});

Deno.test("Runtime tells no fault of a server that cannot be opened with what was set: its clients hear why", async () => {
  const backend = new FakeBackend((attempt) => {
    if (attempt === 2) throw new BackendError("no such flag", { permanent: true });
  });
  await using rig = runtimeRig({ backend });
  const { client } = await rig.visit("s1");
  rig.runtime.changeSession("s1", { args: ["--wrong"] });
  client.say(request(1));
  assert.match(JSON.stringify(await client.hear()), /no such flag/);
  assert.deepEqual(rig.told("fault"), []);
});
