import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { inTime } from "../../../tests/contract/deadline.ts";
import { membersOf } from "../../../tests/support/children.ts";
import { eventually } from "../../../tests/support/keystone.ts";
import { running } from "../../../tests/support/processes.ts";
import type { GatewayEvent } from "../../core/events.ts";
import { OrphanWatch, Watcher } from "./orphan_watch.ts";

const TIMES = { stdinGraceMs: 100, stopTimeoutMs: 300 };

/** The watchers run where /bin/sh does. */
function watchTest(name: string, fn: () => Promise<void>, on: "unix" | "linux" = "unix"): void {
  const ignore = on === "linux" ? Deno.build.os !== "linux" : Deno.build.os === "windows";
  Deno.test({ name, ignore, fn: () => inTime(fn(), "The end of the test") });
}

/** A group of two; it ends with the test. */
class Group implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Deno.ChildProcess;

  /** `lines` are run before the leader goes to sleep, or does not. */
  constructor(lines = "") {
    this.#child = new Deno.Command("/bin/sh", {
      args: ["-c", `sleep 600 & ${lines} wait`],
      detached: true,
      stdin: "null",
      stdout: "null",
    }).spawn();
    this.pid = this.#child.pid;
  }

  members = () => membersOf([this.pid]);

  /** Settles when all that it starts has been started. */
  async complete(): Promise<this> {
    await eventually(this.members, (pids) => pids.length === 2);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of await this.members()) Deno.kill(pid, "SIGKILL");
    await this.#child.status;
  }
}

/** Stands for `ps` in the PATH, and counts how often it was asked. */
class FakePs implements AsyncDisposable {
  static async make(answer: (folder: string) => string): Promise<FakePs> {
    const ps = new FakePs(await Deno.makeTempDir());
    const script = `#!/bin/sh\necho x >>${ps.folder}/asked\n${answer(ps.folder)}\n`;
    await Deno.writeTextFile(`${ps.folder}/ps`, script, { mode: 0o755 });
    await Deno.writeTextFile(`${ps.folder}/asked`, "");
    return ps;
  }

  private constructor(readonly folder: string) {}

  asked = async () => (await Deno.readTextFile(`${this.folder}/asked`)).length / 2;

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A watcher that was told these lines, and whose gateway has ended then. */
async function watched(lines: readonly string[], options: ConstructorParameters<typeof Watcher>[1] = {}) {
  const watcher = new Watcher(TIMES, options);
  for (const line of lines) watcher.tell(line);
  await watcher.end();
  assert.equal(await watcher.ended, "it ended with code 0");
}

watchTest("Watcher ends what it knew from the start, though nobody told it of anything", async () => {
  await using known = await new Group("trap '' TERM;").complete();
  await using done = await new Group().complete();
  await watched([`- ${done.pid}`], { groups: [known.pid, done.pid] });
  await eventually(known.members, (left) => left.length === 0);
  assert.equal((await done.members()).length, 2);
});

for (const [how, proc] of [["/proc", "/proc"], ["ps", "/nowhere"]] as const) {
  watchTest(`Watcher ends what it was told of and not told off, with the times of ${how}`, async () => {
    await using known = await new Group().complete();
    await using stubborn = await new Group("trap '' TERM;").complete();
    await using other = await new Group().complete();
    await using done = await new Group().complete();
    await watched([`+ ${known.pid}`, `+ ${done.pid}`, `+ ${stubborn.pid}`, `- ${done.pid}`], { proc });
    await eventually(() => membersOf([known.pid, stubborn.pid]), (left) => left.length === 0);
    assert.deepEqual((await done.members()).length, 2);
    assert.deepEqual((await other.members()).length, 2);
  });

  watchTest(`Watcher ends a group whose leader has gone, with the times of ${how}`, async () => {
    await using group = new Group("sleep 600 & exit;");
    await eventually(group.members, (pids) => pids.length === 2 && !pids.includes(group.pid));
    await watched([`+ ${group.pid}`], { proc });
    await eventually(group.members, (left) => left.length === 0);
  });
}

watchTest("Watcher spares a process that got the number of one that it was told of", async () => {
  await using group = await new Group().complete();
  // Each time that it is asked, the process has another beginning.
  await using ps = await FakePs.make((folder) => `wc -l <${folder}/asked`);
  await watched([`+ ${group.pid}`], { proc: "/nowhere", path: `${ps.folder}:/usr/bin:/bin` });
  assert.equal(await ps.asked(), 2);
  assert.equal((await group.members()).length, 2);
});

watchTest("Watcher is not stopped by what stops a gateway", async () => {
  await using group = await new Group().complete();
  await using ps = await FakePs.make(() => "echo always");
  const watcher = new Watcher(TIMES, { proc: "/nowhere", path: `${ps.folder}:/usr/bin:/bin` });
  watcher.tell(`+ ${group.pid}`);
  await eventually(ps.asked, (times) => times === 1);
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT"] as const) Deno.kill(watcher.pid, signal);
  await watcher.end();
  assert.equal(await watcher.ended, "it ended with code 0");
  await eventually(group.members, (left) => left.length === 0);
});

watchTest("Watcher does without /proc, ps and sleep, and leaves alone what is no group", async () => {
  await using group = await new Group("trap '' TERM;").complete();
  const lines = ["", "+", "+ 0", "+ 1", "+ -1", "+ x", "- 1", `+ ${group.pid}`, "+ 999999999"];
  await watched(lines, { proc: "/nowhere", path: "/nowhere" });
  await eventually(group.members, (left) => left.length === 0);
});

watchTest(
  "processBackend leaves no child behind when it is killed as soon as it has started one",
  async () => {
    const fixture = fileURLToPath(new URL("../../../tests/fixtures/killed_gateway.ts", import.meta.url));
    for (const children of ["1", "3"]) {
      const gateway = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", fixture, children],
        stdin: "null",
        stderr: "null",
      });
      const { signal, stdout } = await gateway.output();
      const pids = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
      try {
        assert.deepEqual([signal, pids.length], ["SIGKILL", Number(children)]);
        await eventually(() => membersOf(pids), (left) => left.length === 0);
      } finally {
        for (const pid of await membersOf(pids)) Deno.kill(pid, "SIGKILL");
      }
    }
  },
  "linux",
);

watchTest("OrphanWatch neither waits for a watcher that somebody has stopped, nor keeps it", async () => {
  await using group = await new Group().complete();
  await using watch = new OrphanWatch({ stopTimeoutMs: 100, emit: () => {} });
  watch.prepare();
  const stopped = watch.watcher;
  assert(stopped);
  Deno.kill(stopped, "SIGSTOP");
  watch.add(group.pid);
  // More than its pipe holds, of groups that no system has.
  for (let pid = 2 ** 30; pid < 2 ** 30 + 10_000; pid++) {
    watch.add(pid);
    watch.delete(pid);
  }
  await eventually(async () => await running([stopped]), (left) => left.length === 0);
  const next = await eventually(() => Promise.resolve(watch.watcher), (pid) => pid !== stopped);
  assert.deepEqual(await running([next!]), [next]);
}, "linux");

watchTest("OrphanWatch starts one watcher, replaces it once for each child, and tells of both", async () => {
  const events: GatewayEvent[] = [];
  await using group = await new Group().complete();
  await using watch = new OrphanWatch({ stopTimeoutMs: 100, emit: (event) => events.push(event) });
  assert.equal(watch.watcher, undefined);
  watch.prepare();
  const first = watch.watcher;
  watch.prepare();
  assert.equal(watch.watcher, first);
  watch.add(group.pid);
  for (const told of [1, 2]) {
    const pid = watch.watcher;
    assert(pid);
    Deno.kill(pid, "SIGKILL");
    await eventually(() => Promise.resolve(events.length), (count) => count === told);
  }
  assert.equal(watch.watcher, undefined);
  assert.deepEqual(events.map((event) => event.type === "warning" ? event.text : event), [
    "No watcher for children (it ended with SIGKILL): another one takes its place",
    "No watcher for children (it ended with SIGKILL): if Keystone is killed, children that do not end with " +
    "their stdin are left behind",
  ]);
  watch.prepare();
  const last = watch.watcher;
  assert(last);
  await watch[Symbol.asyncDispose]();
  assert.deepEqual(await running([last]), []);
});
