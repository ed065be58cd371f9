import assert from "node:assert/strict";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { FakeBackend, type FakeServer } from "../../../tests/support/fake_backend.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { failure, result } from "../../../tests/support/messages.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import { BackendError } from "../../core/errors.ts";
import { isRequest, type RequestId } from "../../core/message/jsonrpc.ts";
import { ServerEra } from "./server_era.ts";

type Setting = "auto" | "legacy" | "modern";

function rig(setting: Setting = "auto", backend = new FakeBackend()) {
  const record = recorder();
  const clientInfo = { name: "keystone", version: "1" };
  const era = new ServerEra({
    setting,
    clientInfo,
    timeoutMs: 5_000,
    patientMs: 5_000,
    backend,
    emit: record.emit,
  });
  const { signal } = new AbortController();
  return {
    ...record,
    ...{ era, backend },
    find: (own = signal) => era.find(own),
    findAgain: () => era.findAgain(signal),
    known: () => [era.modern, era.shakesHands],
    told: () => record.told("server.era").map(({ era }) => era),
    [Symbol.asyncDispose]: () => era[Symbol.asyncDispose](),
  };
}

/** The id of what the server is asked, which must be what it speaks. */
async function asked(server: FakeServer): Promise<RequestId> {
  const message = await server.hear();
  assert(isRequest(message) && message.method === "server/discover", JSON.stringify(message));
  return message.id;
}

const MODERN = { supportedVersions: ["2026-07-28"], capabilities: {} };
const DUAL = { supportedVersions: ["2026-07-28", "2025-11-25"], capabilities: {} };

for (const setting of ["legacy", "modern"] as const) {
  Deno.test(`ServerEra asks no server that is set to be ${setting}, whatever it learns`, async () => {
    await using it = rig(setting);
    const modern = setting === "modern";
    assert.deepEqual(it.known(), [modern, !modern]);
    it.era.learnHandshake(modern);
    assert.deepEqual(it.known(), [modern, !modern]);
    assert.equal(await it.find(), modern);
    assert.deepEqual([it.backend.attempts, it.events], [0, []]);
  });
}

for (const [what, discovered] of Object.entries({ MODERN, DUAL })) {
  Deno.test(`ServerEra asks a server once, and remembers that it is modern (${what})`, async () => {
    await using it = rig();
    assert.deepEqual(it.known(), [undefined, undefined]);
    const finding = it.find();
    const server = await it.backend.next();
    assert.equal(it.backend.launches[0]?.era, "modern");
    server.say(result(await asked(server), discovered));
    assert.equal(await finding, true);
    assert.equal(await it.find(), true);
    // That it takes handshakes as well is shown by one alone.
    assert.deepEqual(it.known(), [true, undefined]);
    assert.deepEqual([it.backend.attempts, it.told()], [1, ["modern"]]);
    await server.rest();
    assert(server.disposed);
  });
}

/** Each way in which a server shows that it is not modern. */
const LEGACY: Record<string, (server: FakeServer, id: RequestId) => unknown> = {
  "answers with an error": (server, id) => server.say(failure(id, "Method not found", -32601)),
  "has a result for whatever it is asked": (server, id) => server.say(result(id, {})),
  "ends": (server) => server.leave(),
  "breaks off": (server) => server.breakOff(new BackendError("it exited")),
};

for (const [what, say] of Object.entries(LEGACY)) {
  Deno.test(`ServerEra takes a server for legacy that ${what}, and is sure once that has taken a handshake`, async () => {
    await using it = rig();
    for (const attempts of [1, 2]) {
      const finding = attempts === 1 ? it.find() : it.findAgain();
      const server = await it.backend.next();
      say(server, await asked(server));
      assert.equal(await finding, false);
      // It may have had something else against it.
      assert.deepEqual([it.known(), it.backend.attempts, it.told()], [[undefined, undefined], attempts, []]);
      // Who comes next does not start it once more for that.
      assert.equal(await it.find(), false);
    }
    it.era.learnHandshake(true);
    assert.deepEqual(it.known(), [false, true]);
    assert.equal(await it.find(), false);
    assert.deepEqual([it.backend.attempts, it.told()], [2, ["legacy"]]);
  });
}

Deno.test("ServerEra is sure of a legacy server that had taken a handshake before it was asked", async () => {
  await using it = rig();
  it.era.learnHandshake(true);
  assert.deepEqual(it.known(), [undefined, true]);
  const finding = it.find();
  const server = await it.backend.next();
  server.say(failure(await asked(server)));
  assert.equal(await finding, false);
  assert.deepEqual([it.known(), it.told()], [[false, true], ["legacy"]]);
});

Deno.test("ServerEra does not believe that a server is legacy which was only slow, once that refuses a handshake", async () => {
  const it = rig();
  {
    using clock = fakeClock();
    const finding = it.find();
    const server = await it.backend.next();
    await asked(server);
    await settled();
    clock.pass(5_000);
    assert.equal(await finding, false);
  }
  const finding = it.findAgain();
  const server = await it.backend.next();
  server.say(result(await asked(server), MODERN));
  assert.equal(await finding, true);
  assert.deepEqual(it.told(), ["modern"]);
  await it[Symbol.asyncDispose]();
});

Deno.test("ServerEra asks once for all who want to know at the same time", async () => {
  await using it = rig();
  const findings = [it.find(), it.find(), it.find()];
  const server = await it.backend.next();
  server.say(result(await asked(server), MODERN));
  assert.deepEqual(await Promise.all(findings), [true, true, true]);
  assert.equal(it.backend.attempts, 1);
});

Deno.test("ServerEra asks on for the others when one of them does not wait any more", async () => {
  await using it = rig();
  const leaving = new AbortController();
  const left = it.find(leaving.signal);
  const stays = it.find();
  const server = await it.backend.next();
  leaving.abort(new Error("left"));
  await assert.rejects(left, /left/);
  await assert.rejects(it.find(leaving.signal), /left/);
  server.say(result(await asked(server), MODERN));
  assert.equal(await stays, true);
});

Deno.test("ServerEra tries again where a server could not be had, or the question did not reach it", async () => {
  await using it = rig(
    "auto",
    new FakeBackend((attempt) => {
      if (attempt === 1) throw new BackendError("not there");
    }),
  );
  await assert.rejects(it.find(), /not there/);
  const turnedAway = it.find();
  const server = await it.backend.next();
  server.turnAway(await asked(server));
  await assert.rejects(turnedAway, /not reached/);
  assert.deepEqual([it.known(), it.events], [[undefined, undefined], []]);
  const finding = it.find();
  const next = await it.backend.next();
  next.say(result(await asked(next), MODERN));
  assert.equal(await finding, true);
});

Deno.test("ServerEra learns the first thing about handshakes, and what follows is no news", async () => {
  for (const taken of [true, false]) {
    await using it = rig();
    it.era.learnHandshake(taken);
    it.era.learnHandshake(!taken);
    assert.deepEqual(it.known(), [undefined, taken]);
  }
});

Deno.test("ServerEra asks nobody any more once it is disposed", async () => {
  const it = rig();
  const finding = it.find();
  const rejected = assert.rejects(finding);
  const server = await it.backend.next();
  await it[Symbol.asyncDispose]();
  await rejected;
  await server.rest();
  assert(server.disposed);
});
