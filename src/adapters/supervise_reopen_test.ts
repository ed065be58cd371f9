import assert from "node:assert/strict";
import type { LaunchSettings } from "../core/backend.ts";
import { BackendError, DisconnectedError } from "../core/errors.ts";
import { FakeBackend, LAUNCH } from "../../tests/support/fake_backend.ts";
import { settled } from "../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../tests/support/messages.ts";
import {
  established,
  INITIALIZE,
  INITIALIZED,
  replayed,
  superviseRig,
} from "../../tests/support/supervise_rig.ts";
import { CrashGuard } from "./crash_guard.ts";

const OTHER: LaunchSettings = { args: ["--verbose"], env: { KEY: "v" }, headers: { "x-key": "v" } };
const REOPENED = "The MCP server was opened again with other settings";
const NEVER = { attempts: 3, firstDelayMs: 1e9, maxDelayMs: 1e9 };

function argsOf({ launches }: FakeBackend): (readonly string[])[] {
  return launches.map(({ args }) => args);
}

Deno.test("supervise opens the server again with another launch, and tells it what the last one knew", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  rig.client.say(request(1, "resources/subscribe", { uri: "a" }));
  await first.accept("resources/subscribe");
  await rig.client.hear();

  const reopened = rig.channel.reopen(OTHER);
  const second = await rig.backend.next();
  assert.equal(first.disposed, true);
  assert.deepEqual(argsOf(rig.backend), [[], ["--verbose"]]);
  await second.accept("initialize");
  assert.deepEqual(await second.hear(), INITIALIZED);
  await second.accept("resources/subscribe");
  await reopened;
  rig.client.say(request(2));
  assert.deepEqual(await second.hear(), request(2));
  second.say(result(2));
  assert.deepEqual(await rig.client.hear(), result(2));
  assert.equal(rig.told("server.restored").length, 1);
  assert.deepEqual(rig.troubles(), []);

  // And so it is from then on.
  await second.leave();
  await replayed(rig.backend);
  assert.deepEqual(rig.backend.launches.at(-1), { ...LAUNCH, ...OTHER, backlog: undefined });
});

Deno.test("supervise ends the old server in order, and opens the next one when that is gone", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  const steps: string[] = [];
  const freed = Promise.withResolvers<void>();
  const { close, [Symbol.asyncDispose]: dispose } = first.near;
  first.near.close = (reason) => {
    steps.push(`close: ${reason?.message}`);
    return close(reason);
  };
  first.near[Symbol.asyncDispose] = async () => {
    steps.push("dispose");
    await dispose();
    await freed.promise;
  };
  const reopened = rig.channel.reopen(OTHER);
  await settled();
  assert.deepEqual(steps.slice(0, 2), [`close: ${REOPENED}`, "dispose"]);
  assert.equal(rig.backend.attempts, 1);
  freed.resolve();
  await replayed(rig.backend);
  await reopened;
});

Deno.test("supervise answers what was in the hands of the old server with the loss, once, and takes back what it asked", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  rig.client.say(request(1), request("1"));
  first.say(request(7, "roots/list"));
  await rig.client.hear();
  const reopened = rig.channel.reopen(OTHER);
  const lost = `${REOPENED}: the answer is lost, and the request was not sent again`;
  for (const id of [1, "1"]) assert.deepEqual(await rig.client.hear(), failure(id, lost, -32603));
  const params = { requestId: 7, reason: "The MCP server was restarted" };
  assert.deepEqual(await rig.client.hear(), notification("notifications/cancelled", params));
  // What is said meanwhile waits for the new one.
  rig.client.say(request(2));
  const second = await replayed(rig.backend);
  await reopened;
  await second.accept("tools/call");
  assert.deepEqual(await rig.client.hear(), result(2));
});

Deno.test("supervise gives a handshake that is not answered to the server that is opened with another launch", async () => {
  await using rig = await superviseRig();
  rig.client.say(INITIALIZE);
  await (await rig.backend.next()).hear();
  const reopened = rig.channel.reopen(OTHER);
  const second = await rig.backend.next();
  await second.accept("initialize");
  await reopened;
  assert.deepEqual(await rig.client.hear(), result("init"));
  assert.deepEqual(argsOf(rig.backend), [[], ["--verbose"]]);
});

Deno.test("supervise opens nothing for another launch before somebody asks for it", async () => {
  await using rig = await superviseRig();
  await rig.channel.reopen(OTHER);
  await settled();
  assert.equal(rig.backend.attempts, 0);
  await established(rig);
  assert.deepEqual(argsOf(rig.backend), [["--verbose"]]);
});

Deno.test("supervise opens at once with another launch what is being opened, and what waits to be tried again", async () => {
  const connecting = new FakeBackend((attempt, signal) => {
    if (attempt > 1) return;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  const pausing = new FakeBackend((attempt) => {
    if (attempt === 1) throw new BackendError("down");
  });
  for (const backend of [connecting, pausing]) {
    await using rig = await superviseRig({ backend, retry: NEVER });
    rig.client.say(INITIALIZE);
    await settled();
    const reopened = rig.channel.reopen(OTHER);
    await (await backend.next()).accept("initialize");
    await reopened;
    assert.deepEqual(await rig.client.hear(), result("init"));
    assert.deepEqual(argsOf(backend), [[], ["--verbose"]]);
  }
});

Deno.test("supervise says why there is no server with another launch, and tries again with the next request", async () => {
  const backend = new FakeBackend((attempt) => {
    if (attempt === 2) throw new BackendError("no such flag", { permanent: true });
  });
  await using rig = await superviseRig({ backend });
  await established(rig);
  await assert.rejects(rig.channel.reopen(OTHER), /no such flag/);
  rig.client.say(request(1));
  await (await replayed(backend)).accept("tools/call");
  assert.deepEqual(await rig.client.hear(), result(1));
});

Deno.test("supervise counts no server as ended that is opened with another launch, and makes the new one wait for nothing", async () => {
  const told: string[] = [];
  const limits = { limit: 1, windowMs: 60_000, probeMs: 60_000 };
  const guard = new CrashGuard({ ...limits, onFailed: (reason) => told.push(reason) });
  await using rig = await superviseRig({ retry: NEVER, guards: () => [guard] });
  await established(rig);
  for (let times = 1; times <= 3; times++) {
    const reopened = rig.channel.reopen(OTHER);
    await replayed(rig.backend);
    await reopened;
  }
  assert.deepEqual([told, rig.backend.attempts], [[], 4]);
});

Deno.test("supervise opens nothing with another launch after the client's close, or its end", async () => {
  await using closed = await superviseRig();
  await established(closed);
  await closed.channel.close();
  await assert.rejects(closed.channel.reopen(OTHER), DisconnectedError);
  const over = await superviseRig();
  await established(over);
  await over[Symbol.asyncDispose]();
  await assert.rejects(over.channel.reopen(OTHER), DisconnectedError);
  assert.deepEqual([closed.backend.attempts, over.backend.attempts], [1, 1]);
});

Deno.test("supervise settles its dispose while a server is being replaced", async () => {
  const rig = await superviseRig();
  const first = await established(rig);
  const reopened = rig.channel.reopen(OTHER);
  const rejected = assert.rejects(reopened, DisconnectedError);
  await rig[Symbol.asyncDispose]();
  await rejected;
  assert.equal(first.disposed, true);
});
