/** How the children of the process backend end, and what they leave behind: nothing. */
import assert from "node:assert/strict";
import { BackendError, DisconnectedError } from "../../core/errors.ts";
import type { JsonRpcMessage, JsonRpcNotification } from "../../core/message/jsonrpc.ts";
import { Inbox } from "../../../tests/contract/inbox.ts";
import { childTest, launchOf, membersOf } from "../../../tests/support/children.ts";
import { descendants, eventually } from "../../../tests/support/keystone.ts";
import { callTool } from "../../../tests/support/rpc.ts";

const READY = `echo '{"jsonrpc":"2.0","method":"ready"}'`;

/** Ignores SIGTERM and the end of its stdin; so do its children. */
const STUBBORN = `trap '' TERM; ${READY}; while true; do sleep 600; done`;

childTest("processBackend stops a polite child by closing its stdin", async (children) => {
  const channel = await children.script(`${READY}; cat; exit 4`);
  const inbox = new Inbox(channel);
  await inbox.next();
  await channel[Symbol.asyncDispose]();
  const { code, signal, expected, stderr } = await children.hears("child.exited");
  assert.deepEqual({ code, signal, expected, stderr }, {
    code: 4,
    signal: undefined,
    expected: true,
    stderr: [],
  });
  assert.deepEqual(await inbox.rest(), { messages: [], error: undefined });
});

childTest("processBackend lets a child finish its sentence after close", async (children) => {
  const channel = await children.script(`cat >/dev/null; ${READY}; exit 0`);
  await channel.close();
  const { messages, error } = await new Inbox(channel).rest();
  assert.deepEqual([messages.length, error], [1, undefined]);
  assert.equal((await children.hears("child.exited")).expected, true);
});

childTest("processBackend can be closed and disposed again and again", async (children) => {
  const channel = await children.script("cat");
  await Promise.all([channel.close(), channel.close()]);
  await Promise.all([channel[Symbol.asyncDispose](), channel[Symbol.asyncDispose]()]);
  await channel.close();
  await channel[Symbol.asyncDispose]();
  assert.equal(children.told("child.exited").length, 1);
  const message: JsonRpcMessage = { jsonrpc: "2.0", method: "late" };
  assert.throws(() => channel.send({ message }), DisconnectedError);
});

childTest(
  "processBackend sends SIGKILL to a child that ignores SIGTERM, after stopTimeoutMs",
  async (children) => {
    const stopTimeoutMs = 500;
    const heard = `trap 'echo SIGTERM >&2' TERM; ${READY}; while true; do sleep 0.05; done`;
    const channel = await children.script(heard, { stopTimeoutMs });
    await new Inbox(channel).next();
    const begun = performance.now();
    await channel[Symbol.asyncDispose]();
    const tookMs = performance.now() - begun;
    assert.equal((await children.hears("child.exited")).signal, "SIGKILL");
    assert(tookMs > stopTimeoutMs, `It took ${tookMs} ms`);
    // Once: not once for the child and once for its group.
    assert.equal(children.told("child.stderr").filter(({ line }) => line === "SIGTERM").length, 1);
  },
);

childTest("processBackend stops a grandchild along with its parent", async (children) => {
  const channel = await children.script(`sleep 600 & ${READY}; wait`);
  await new Inbox(channel).next();
  assert.equal((await membersOf(children.pids)).length, 2);
  await channel[Symbol.asyncDispose]();
  assert.deepEqual(await membersOf(children.pids), []);
});

childTest(
  "processBackend sends SIGKILL to a grandchild that outlives SIGTERM and its parent",
  async (children) => {
    const channel = await children.script(`(${STUBBORN}) & cat`, { stopTimeoutMs: 500 });
    await new Inbox(channel).next();
    await channel[Symbol.asyncDispose]();
    assert.equal((await children.hears("child.exited")).signal, undefined);
    assert.deepEqual(await membersOf(children.pids), []);
  },
);

childTest("processBackend stops a grandchild that its parent left behind", async (children) => {
  const channel = await children.scripted();
  const inbox = new Inbox(channel);
  await channel.send({ message: callTool(1, "fork") as JsonRpcMessage });
  const { message } = await inbox.next();
  const { pid } = (message as { result: { structuredContent: { pid: number } } }).result.structuredContent;
  await channel.send({ message: callTool(2, "exit", { code: 6 }) as JsonRpcMessage });
  assert.match(`${(await inbox.rest()).error}`, /exited with code 6/);
  await eventually(() => membersOf(children.pids), (left) => !left.includes(pid));
});

childTest("processBackend is not held up by a grandchild that holds stdout open", async (children) => {
  const channel = await children.script(`sleep 600 & ${READY}; exit 5`);
  const { messages, error } = await new Inbox(channel).rest();
  assert.equal(messages.length, 1);
  assert(error instanceof BackendError);
  assert.match(error.message, /exited with code 5/);
});

childTest("processBackend tells of a crash before the last grandchild has ended", async (children) => {
  const backend = children.backend({
    program: "/bin/sh",
    args: ["-c", `(${STUBBORN}) & read line; exit 5`],
    stopTimeoutMs: 600_000,
  });
  const channel = await backend.open(launchOf(), new AbortController().signal);
  const inbox = new Inbox(channel);
  await inbox.next();
  await channel.send({ message: callTool(1, "go") as JsonRpcMessage });
  assert.match(`${(await inbox.rest()).error}`, /exited with code 5/);
  assert.notDeepEqual(await membersOf(children.pids), []);
  backend.kill();
});

childTest("processBackend lets go of pipes that a process outside of the group holds", async (children) => {
  // A daemon: in a group of its own, with the pipes of its parent.
  const code =
    `const { pid } = new Deno.Command("sleep", { args: ["600"], detached: true, stdin: "null" }).spawn();
    console.log(JSON.stringify({ jsonrpc: "2.0", method: "daemon", params: { pid } }));
    Deno.exit(0);`;
  const channel = await children.open({ program: Deno.execPath(), args: ["eval", "--no-lock", code] });
  const { messages: [message], error } = await new Inbox(channel).rest();
  const pid = Number((message as JsonRpcNotification).params?.pid);
  try {
    assert.match(`${error}`, /exited with code 0/);
    assert.deepEqual(await membersOf([pid]), [pid]);
    await children.stop();
  } finally {
    Deno.kill(pid, "SIGKILL");
  }
});

childTest("processBackend kills every child and its group at once", async (children) => {
  const backend = children.backend({ program: "/bin/sh", args: ["-c", STUBBORN], stopTimeoutMs: 600_000 });
  const { signal } = new AbortController();
  const channels = await Promise.all([1, 2].map(() => backend.open(launchOf(), signal)));
  const inboxes = channels.map((channel) => new Inbox(channel));
  await Promise.all(inboxes.map((inbox) => inbox.next()));
  backend.kill();
  for (const inbox of inboxes) assert.match(`${(await inbox.rest()).error}`, /was ended by SIGKILL/);
  await eventually(() => membersOf(children.pids), (left) => left.length === 0);
});

childTest("processBackend can be killed while it stops", async (children) => {
  const backend = children.backend({ program: "/bin/sh", args: ["-c", STUBBORN], stopTimeoutMs: 600_000 });
  const channel = await backend.open(launchOf(), new AbortController().signal);
  await new Inbox(channel).next();
  const stopped = backend[Symbol.asyncDispose]();
  backend.kill();
  await stopped;
  assert.equal((await children.hears("child.exited")).signal, "SIGKILL");
});

childTest("processBackend stops all its children when it is disposed", async (children) => {
  const backend = children.backend();
  const { signal } = new AbortController();
  const channels = await Promise.all([1, 2, 3].map(() => backend.open(launchOf(), signal)));
  await backend[Symbol.asyncDispose]();
  const rests = await Promise.all(channels.map((channel) => new Inbox(channel).rest()));
  assert.deepEqual(rests.map(({ error }) => error), [undefined, undefined, undefined]);
  const below = await descendants(Deno.pid);
  assert.deepEqual(children.pids.filter((pid) => below.includes(pid)), []);
});
