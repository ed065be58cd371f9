/** How servers of each kind take over what is set. */
import assert from "node:assert/strict";
import { BackendError } from "../core/errors.ts";
import { FakeBackend } from "../../tests/support/fake_backend.ts";
import { settled } from "../../tests/support/far_end.ts";
import { request, result } from "../../tests/support/messages.ts";
import { answerNext, NOBODY, refusedWith, runtimeRig, takenOver } from "../../tests/support/runtime_rig.ts";

const MODE = { env: { MODE: "set" } };
const BARE = { args: [], env: {} };
const SET = { args: [], env: { MODE: "set" } };

Deno.test("Runtime has a remote that is told headers with each request take them over live", async () => {
  await using rig = runtimeRig({ liveHeaders: true });
  await rig.visit("s1");
  await rig.visit("s2");
  assert.deepEqual(takenOver(rig.runtime.changeSession("s1", { headers: { "x-key": "one" } })), {
    ...NOBODY,
    live: ["s1"],
  });
  assert.deepEqual(rig.runtime.changeDefaults({ headers: { "x-key": "all" } }).live, ["s2"]);
  assert.deepEqual(rig.backend.launches.map(({ headers }) => headers), [
    { "x-key": "one" },
    { "x-key": "all" },
  ]);
  await settled();
  assert.equal(rig.backend.attempts, 2);
});

Deno.test("Runtime opens a shared server again for all, when no request of anybody is open", async () => {
  await using rig = runtimeRig({ children: "shared" });
  const one = await rig.join("s1");
  const server = await rig.replayed();
  await one.hear();
  const call = await rig.join("call", { scope: "request" });
  await call.hear();
  call.say(request(1));
  const asked = await server.hear();
  assert("id" in asked);
  assert.deepEqual(takenOver(rig.runtime.changeDefaults(MODE)), { ...NOBODY, restart: ["shared", "s1"] });
  await settled();
  assert.equal(rig.backend.attempts, 1, "a call is open");
  server.say(result(asked.id ?? 0));
  await call.hear();
  const second = await rig.replayed();
  assert.deepEqual(rig.launched(), [BARE, SET]);
  one.say(request(2));
  await answerNext(second, one);
  assert.deepEqual(rig.runtime.clearDefaults().restart, ["shared", "s1"]);
  await rig.replayed();
  assert.deepEqual(rig.launched(), [BARE, SET, BARE]);
});

Deno.test("Runtime sets nothing for one session that shares its server, and says what can be done", async () => {
  await using rig = runtimeRig({ children: "shared" });
  const client = await rig.join("s1");
  await rig.replayed();
  await client.hear();
  const shares = refusedWith(
    409,
    /shares its server with others: set it for all, or serve with --children session/,
  );
  assert.throws(() => rig.runtime.changeSession("s1", MODE), shares);
  assert.throws(() => rig.runtime.restartSession("s1"), shares);
  assert.deepEqual(rig.runtime.session("s1").value, {});
});

Deno.test("Runtime tells which sessions keep what they have, where no server is opened again", async () => {
  await using rig = runtimeRig({ restart: "never" });
  await rig.visit("s1");
  assert.deepEqual(takenOver(rig.runtime.changeDefaults(MODE)), { ...NOBODY, kept: ["s1"] });
  const unsupervised = refusedWith(409, /is not started again: serve without --restart never/);
  assert.throws(() => rig.runtime.changeSession("s1", MODE), unsupervised);
  assert.throws(() => rig.runtime.restartSession("s1"), unsupervised);
});

Deno.test("Runtime has a shared server that is not opened again keep what it has", async () => {
  await using rig = runtimeRig({ children: "shared", restart: "never" });
  const client = await rig.join("s1");
  const server = await rig.replayed();
  await client.hear();
  assert.deepEqual(takenOver(rig.runtime.changeDefaults(MODE)), { ...NOBODY, kept: ["s1"] });
  client.say(request(1));
  await answerNext(server, client);
  assert.equal(rig.backend.attempts, 1);
});

Deno.test("Runtime has each request's own server opened with what is set then", async () => {
  await using rig = runtimeRig({ children: "request" });
  const client = await rig.join("s1");
  await rig.replayed();
  await client.hear();
  assert.deepEqual(takenOver(rig.runtime.changeSession("s1", MODE)), { ...NOBODY, live: ["s1"] });
  client.say(request(1));
  await answerNext(await rig.replayed(), client);
  assert.deepEqual(rig.launched(), [BARE, SET]);
});

Deno.test("Runtime starts anew what was started ahead, whether it is ready or still being opened", async () => {
  for (const isReady of [true, false]) {
    await using rig = runtimeRig({ prewarm: 1, transports: ["ws"] });
    const first = await rig.backend.next();
    if (isReady) await settled();
    rig.runtime.changeDefaults(MODE);
    const second = await rig.backend.next();
    await settled();
    assert.deepEqual([first.disposed, second.disposed, rig.launched()], [true, false, [BARE, SET]]);
  }
});

Deno.test("Runtime knows that a server which was started ahead has what was set, and gives none to who has more", async () => {
  await using rig = runtimeRig({ prewarm: 1, transports: ["ws"] });
  rig.runtime.changeDefaults(MODE);
  await settled();
  const [one, other] = [await rig.knock("s1"), await rig.knock("s2")];
  rig.runtime.changeSession("s2", { env: { MODE: "own" } });
  one.say(request("init", "initialize"));
  await settled();
  assert.equal(rig.told("child.assigned").length, 1);
  other.say(request("init", "initialize"));
  await settled();
  assert.deepEqual(rig.launched().at(-1), { args: [], env: { MODE: "own" } });
  assert.deepEqual(takenOver(rig.runtime.changeDefaults({})), NOBODY);
});

Deno.test("Runtime brings nobody else down by what is set for one session", async () => {
  const backend: FakeBackend = new FakeBackend(() => {
    if (backend.launches.at(-1)?.env.MODE === "set") throw new BackendError("it cannot be started so");
  });
  await using rig = runtimeRig({ backend });
  const { client } = await rig.visit("s1");
  rig.runtime.changeSession("s1", MODE);
  client.say(request(1));
  assert.match(JSON.stringify(await client.hear()), /it cannot be started so, again and again/);
  assert.deepEqual(rig.told("server.failed").map(({ session, scope }) => [session, scope]), [[
    "s1",
    "session",
  ]]);
  await rig.visit("s2");
});
