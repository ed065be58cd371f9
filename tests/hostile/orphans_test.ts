/** A gateway that is killed as no process can prevent leaves none of its children behind. */
import assert from "node:assert/strict";
import { membersOf } from "../support/children.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone, watchersOf } from "../support/keystone.ts";
import { CAN_BECOME_ANOTHER, startPoorKeystone } from "../support/poor_user.ts";
import { running } from "../support/processes.ts";
import { beginSession, initialize, post } from "../support/rpc.ts";

const UNIX = Deno.build.os !== "windows";

const INITIALIZED = JSON.stringify({
  jsonrpc: "2.0",
  id: 0,
  result: { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "stubborn", version: "1" } },
});

/** Ignores SIGTERM and the end of its stdin, and so does what it has started. */
const STUBBORN = [
  "/bin/sh",
  "-c",
  `trap '' TERM HUP INT; sleep 600 & read -r line; printf '%s\\n' '${INITIALIZED}'; while :; do sleep 600; done`,
];
/** The shell, and what it waits for in the background and in the foreground. */
const PROCESSES = 3;

/** What each test leaves behind if it fails is killed here. */
async function withGateway(
  flags: readonly string[],
  attack: (gateway: Keystone) => Promise<void>,
  server: readonly string[] = STUBBORN,
): Promise<void> {
  await using gateway = await startKeystone(["--stopTimeout", "200ms", ...flags], { server });
  let children: number[] = [];
  const seen: Keystone = {
    ...gateway,
    children: async () => children = [...new Set([...children, ...await gateway.children()])],
  };
  try {
    await attack(seen);
  } finally {
    for (const pid of await running(children)) Deno.kill(pid, "SIGKILL");
  }
}

async function killed(gateway: Keystone): Promise<void> {
  gateway.signal("SIGKILL");
  assert.equal((await gateway.status).signal, "SIGKILL");
}

async function nothingIsLeft(pids: readonly number[]): Promise<void> {
  await eventually(() => running(pids), (left) => left.length === 0);
}

for (const flags of [["--stateful"], ["--stateful", "--exitWithParent"]]) {
  Deno.test({
    name: `gateway that is killed leaves no child and no grandchild behind (${flags.join(" ")})`,
    ignore: !UNIX,
    async fn() {
      await Promise.all([1, 2, 3].map(() =>
        withGateway(flags, async (gateway) => {
          await (await post(gateway.mcp, initialize(0))).body?.cancel();
          const children = await eventually(gateway.children, (pids) => pids.length === PROCESSES);
          const watchers = await watchersOf(gateway.pid);
          await killed(gateway);
          await nothingIsLeft([...children, ...watchers]);
          assert.equal(watchers.length, 1);
        })
      ));
    },
  });
}

Deno.test({
  name: "gateway that is killed leaves none of those behind that it has started ahead",
  ignore: !UNIX,
  async fn() {
    await withGateway(["--stateful", "--prewarm", "2"], async (gateway) => {
      const children = await eventually(gateway.children, (pids) => pids.length >= 2 * (PROCESSES - 1));
      // Said once the watcher knows it.
      await gateway.logged(/Child started[^]*Child started/);
      await killed(gateway);
      await nothingIsLeft(children);
    });
  },
});

Deno.test({
  name: "gateway that is killed while it stops leaves nothing behind",
  ignore: !UNIX,
  async fn() {
    await withGateway(["--stateful", "--stopTimeout", "2s"], async (gateway) => {
      await (await post(gateway.mcp, initialize(0))).body?.cancel();
      const children = await eventually(gateway.children, (pids) => pids.length === PROCESSES);
      gateway.signal("SIGTERM");
      await gateway.logged(/Gateway is stopping/);
      await killed(gateway);
      await nothingIsLeft(children);
    });
  },
});

Deno.test({
  name: "gateway that loses its watcher has another one, which knows the children",
  ignore: !UNIX,
  async fn() {
    await withGateway(["--stateful"], async (gateway) => {
      await (await post(gateway.mcp, initialize(0))).body?.cancel();
      const children = await eventually(gateway.children, (pids) => pids.length === PROCESSES);
      const [lost] = await watchersOf(gateway.pid);
      assert(lost);
      Deno.kill(lost, "SIGKILL");
      await gateway.logged(/No watcher for children \(it ended with SIGKILL\): another one takes its place/);
      const watchers = () => watchersOf(gateway.pid);
      await eventually(watchers, (pids) => pids.length === 1 && !pids.includes(lost));
      await killed(gateway);
      await nothingIsLeft(children);
    });
  },
});

/** For the watcher and some children, which start nothing themselves. */
const ROOM = 6;
const LONELY = [
  "/bin/sh",
  "-c",
  `trap '' TERM HUP INT; read -r line; printf '%s\\n' '${INITIALIZED}'; exec sleep 600`,
];

Deno.test({
  name: "gateway that is killed leaves nothing behind on a machine without room for another process",
  ignore: !CAN_BECOME_ANOTHER,
  async fn() {
    await using gateway = await startPoorKeystone(["--stateful", "--stopTimeout", "200ms"], LONELY);
    const limit = await gateway.allowMore(ROOM);
    let status = 200;
    for (let count = 0; status === 200 && count < limit; count++) {
      const response = await post(gateway.mcp, initialize(0));
      await response.body?.cancel();
      ({ status } = response);
    }
    const children = await gateway.children();
    const watchers = await watchersOf(gateway.pid);
    await killed(gateway);
    await nothingIsLeft([...children, ...watchers]);
    assert.equal(status, 503);
    assert.equal(watchers.length, 1);
    assert(children.length > 0);
  },
});

Deno.test({
  name: "gateway that stops in good order takes its watcher along, and has none before the first child",
  ignore: !UNIX,
  async fn() {
    await withGateway(["--stateful"], async (gateway) => {
      assert.deepEqual(await watchersOf(gateway.pid), []);
      await beginSession(gateway.mcp);
      await beginSession(gateway.mcp);
      const watchers = await watchersOf(gateway.pid);
      assert.equal(watchers.length, 1);
      // It leads a group of its own: who signals the gateway's group does not reach it.
      assert.deepEqual(await membersOf(watchers), watchers);
      const children = await gateway.children();
      assert.equal((await gateway.stop()).code, 0);
      assert.deepEqual(await running([...children, ...watchers]), []);
    }, SCRIPTED);
  },
});
