/** Children that do their worst: the gateway stays alive and small, callers hear what is wrong, and nothing is left behind. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import {
  eventually,
  type Keystone,
  leapUntil,
  SCRIPTED,
  startKeystone,
  type StartOptions,
} from "../support/keystone.ts";
import { memoryOf } from "../support/memory.ts";
import { CAN_BECOME_ANOTHER, startPoorKeystone } from "../support/poor_user.ts";
import { running } from "../support/processes.ts";
import { answer, beginSession, callTool, initialize, post, request } from "../support/rpc.ts";

const MIB = 1024 * 1024;
const LINUX = Deno.build.os === "linux";

/** With a session and a child of its own, and with one child for all. */
const MODES = [
  { name: "a session's child", flags: ["--stateful"], arrive: ({ mcp }: Keystone) => beginSession(mcp) },
  { name: "a shared child", flags: [], arrive: () => Promise.resolve(undefined) },
];

async function serves(gateway: Keystone, session?: string): Promise<void> {
  const { result } = await inTime(
    post(gateway.mcp, request("alive", "ping"), { session }).then(answer),
    "answer",
  );
  assert.deepEqual(result, {});
}

/** The most that it ever had, where that can be known. */
async function memoryAtMost(gateway: Keystone): Promise<number> {
  return LINUX ? (await memoryOf(gateway.pid)).peak : 0;
}

/** Stops the gateway, and counts what is left of it and of everything below it. */
async function leavesNothing(gateway: Keystone): Promise<void> {
  const pids = await gateway.children();
  assert.equal((await gateway.stop()).code, 0);
  assert.deepEqual(await running([gateway.pid, ...pids]), []);
}

for (const { name, flags, arrive } of MODES) {
  const start = (options: StartOptions = {}, ...more: string[]) =>
    startKeystone([...flags, ...more], { server: SCRIPTED, ...options });

  Deno.test(`${name} that is killed with calls open: each is answered, the next one is served`, async () => {
    await using gateway = await start();
    const session = await arrive(gateway);
    await serves(gateway, session);
    const [child] = await gateway.children();
    const open = Array.from({ length: 10 }, (_, id) => post(gateway.mcp, callTool(id, "hang"), { session }));
    const seen = async () =>
      (await answer(await post(gateway.mcp, callTool("seen", "seen"), { session }))).result;
    await eventually(seen, ({ structuredContent }) => structuredContent.lines >= 10 + 3);
    Deno.kill(child!, "SIGKILL");
    for (const response of open) {
      const { error } = await answer(await response);
      // One that came too late for the first child hangs at the second, and hears nothing.
      assert.match(error.message, /was ended by SIGKILL: the answer is lost/);
    }
    await serves(gateway, session);
    await leavesNothing(gateway);
  });

  Deno.test(`${name} that ignores SIGTERM and the end of its stdin is gone all the same`, async () => {
    await using gateway = await start({ server: [...SCRIPTED, "--ignore-term"] }, "--stopTimeout", "200ms");
    await serves(gateway, await arrive(gateway));
    await leavesNothing(gateway);
  });

  Deno.test(`${name} that forks and exits leaves no grandchild behind`, async () => {
    await using gateway = await start();
    const session = await arrive(gateway);
    const forked = await answer(await post(gateway.mcp, callTool(1, "fork"), { session }));
    const grandchild = forked.result.structuredContent.pid;
    const lost = await answer(await post(gateway.mcp, callTool(2, "exit", { code: 1 }), { session }));
    assert.match(lost.error.message, /exited with code 1/);
    await eventually(() => running([grandchild]), (left) => left.length === 0);
    await serves(gateway, session);
    await leavesNothing(gateway);
  });

  Deno.test(`${name} that never reads is waited for with bounded memory, and does not stop the gateway`, async () => {
    const script = `read -r line; printf '%s\\n' '${INITIALIZED}'; read -r line; exec sleep 600`;
    await using gateway = await start(
      { server: ["/bin/sh", "-c", script], leapMs: 60_000 },
      ...["--maxBufferedSize", "4m", "--requestTimeout", "1m", "--startTimeout", "24h", "--restart", "never"],
    );
    const session = await arrive(gateway);
    const before = await memoryAtMost(gateway);
    const body = { fill: "x".repeat(MIB) };
    for (let batch = 0; batch < 60; batch++) {
      const answers = Array.from(
        { length: 5 },
        async (_, at) =>
          (await answer(await post(gateway.mcp, callTool(`${batch}.${at}`, "echo", body), { session })))
            .error,
      );
      // Either it waited in vain, or there was no room to wait in.
      for (const { message } of await leapUntil(gateway, Promise.all(answers))) {
        assert.match(message, /within 1m|too slow/);
      }
    }
    // It grew by 100 MiB at most where it was measured: less than what was posted, and more than may wait, since
    // garbage is collected when there is enough of it.
    const grewBy = await memoryAtMost(gateway) - before;
    assert(grewBy < 200 * MIB, `${grewBy / MIB} MiB`);
    assert.equal(
      (await fetch(`http://127.0.0.1:${gateway.port}/health`).then((health) => health.json())).status,
      "ok",
    );
    await leavesNothing(gateway);
  });

  Deno.test(`${name} that writes 1 GB without a newline is stopped, and costs no more than one message may`, async () => {
    await using gateway = await start();
    const session = await arrive(gateway);
    await serves(gateway, session);
    const before = await memoryAtMost(gateway);
    const flood = await answer(
      await post(gateway.mcp, callTool(1, "flood", { bytes: 1024 * MIB }), { session }),
    );
    assert.match(flood.error.message, /A line is longer than 16777216 bytes/);
    // By 18 MiB where it was measured.
    const grewBy = await memoryAtMost(gateway) - before;
    assert(grewBy < 100 * MIB, `${grewBy / MIB} MiB`);
    await serves(gateway, session);
    await leavesNothing(gateway);
  });

  Deno.test(`${name} that answers twice, or what it was never asked, reaches nobody with it`, async () => {
    await using gateway = await start();
    const session = await arrive(gateway);
    const open = post(gateway.mcp, callTool(1, "sleep", { ms: 700 }), { session });
    const twice = await answer(await post(gateway.mcp, callTool(2, "answer_twice"), { session }));
    assert.deepEqual(twice.result.structuredContent, { time: 1 });
    for (const id of [77, "77", 2]) {
      const unasked = await answer(
        await post(gateway.mcp, callTool(3, "answer_unasked", { id }), { session }),
      );
      assert.deepEqual(unasked.result.structuredContent, {});
    }
    assert.equal((await answer(await open)).result.structuredContent.slept, 700);
    await serves(gateway, session);
    await leavesNothing(gateway);
    const drops = gateway.stderr().matchAll(/Message dropped .*it answers no open request" count=(\d+)/g);
    assert.equal([...drops].reduce((sum, [, count]) => sum + Number(count), 0), 4);
  });
}

const INITIALIZED = JSON.stringify({
  jsonrpc: "2.0",
  id: 0,
  result: { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "x", version: "1" } },
});

/** Room for that many more: the watcher and some children, and what threads the runtime may still begin. */
const ROOM = 12;

Deno.test({
  name: "a machine without room for another process refuses with 503, and serves whom it serves",
  ignore: !CAN_BECOME_ANOTHER,
  async fn() {
    const answering = `printf '%s\\n' '${INITIALIZED}'`;
    const script = `read -r line; ${answering}; while read -r line; do :; done`;
    await using gateway = await startPoorKeystone(["--stateful"], ["/bin/sh", "-c", script]);
    const limit = await gateway.allowMore(ROOM);
    const sessions: string[] = [];
    let refused = await post(gateway.mcp, initialize(0));
    // Each one that is let in takes a place for good, so there are fewer than places.
    while (refused.status === 200 && sessions.length < limit) {
      sessions.push(refused.headers.get("mcp-session-id") ?? "");
      await refused.body?.cancel();
      refused = await post(gateway.mcp, initialize(0));
    }
    assert.equal(refused.status, 503, `${sessions.length} were let in, with ${limit} places`);
    assert.equal((await refused.json()).error.message, "The machine has no room for another process");
    assert(refused.headers.has("retry-after"));
    assert(sessions.length > 0);
    // One that goes makes room for one that comes.
    const headers = { "Mcp-Session-Id": sessions[0]! };
    await (await fetch(gateway.mcp, { method: "DELETE", headers })).body?.cancel();
    await eventually(async () => {
      const response = await post(gateway.mcp, initialize(0));
      await response.body?.cancel();
      return response.status;
    }, (status) => status === 200);
    await leavesNothing(gateway);
  },
});
