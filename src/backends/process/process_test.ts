import assert from "node:assert/strict";
import { BackendError, DisconnectedError, TooLargeError } from "../../core/errors.ts";
import type { JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import { Inbox } from "../../../tests/contract/inbox.ts";
import { childTest, launchOf, membersOf } from "../../../tests/support/children.ts";
import { eventually } from "../../../tests/support/keystone.ts";
import { failure } from "../../../tests/support/messages.ts";
import { DEEP_ANSWER_REFUSED, deepAnswer } from "../../../tests/support/deep.ts";
import { callTool } from "../../../tests/support/rpc.ts";

/** A line of JSON-RPC, for /bin/sh. */
function echo(method: string): string {
  return `echo '{"jsonrpc":"2.0","method":"${method}"}'`;
}

function call(id: number, name: string, args: unknown = {}): { message: JsonRpcMessage } {
  return { message: callTool(id, name, args) as JsonRpcMessage };
}

function methodsOf(messages: readonly JsonRpcMessage[]): string[] {
  return messages.map((message) => "method" in message ? message.method : "(an answer)");
}

function structured(message: JsonRpcMessage): Record<string, unknown> {
  const { result } = message as { result: { structuredContent: Record<string, unknown> } };
  return result.structuredContent;
}

// --- how it starts ---

childTest("processBackend rejects and tells why when the program does not exist", async (children) => {
  await assert.rejects(
    () => children.open({ program: "/nowhere/no-such-program" }),
    (error) => error instanceof BackendError && !error.message.includes("nowhere"),
  );
  const [failed] = children.told("child.failed");
  assert.equal(failed?.session, "s1");
  assert.match(failed?.reason ?? "", /no-such-program/);
  assert.deepEqual(children.told("child.started"), []);
});

childTest("processBackend rejects when the working directory does not exist", async (children) => {
  await assert.rejects(() => children.open({ cwd: "/nowhere/at/all" }), BackendError);
  assert.equal(children.told("child.failed").length, 1);
});

childTest("processBackend says that a child is ready at its first message, once", async (children) => {
  const channel = await children.script(`echo no json; ${echo("a")}; ${echo("b")}; cat`);
  await new Inbox(channel).take(2);
  assert.deepEqual(
    children.events.map(({ type }) => type).filter((type) => type !== "child.stderr"),
    ["child.started", "child.noise", "child.ready"],
  );
  const { pid, server } = await children.hears("child.ready");
  assert.deepEqual([server, pid], ["test", children.pids[0]]);
});

childTest(
  "processBackend gives the child its arguments, environment and working directory",
  async (children) => {
    const cwd = await Deno.makeTempDir();
    try {
      const script =
        `printf '{"jsonrpc":"2.0","method":"%s|%s|%s|%s|%s"}\\n' "$#" "$2" "$OURS" "$THEIRS" "$BOTH"` +
        `; printf '{"jsonrpc":"2.0","method":"%s"}\\n' "$(pwd -P)"; cat`;
      const channel = await children.open({
        program: "/bin/sh",
        args: ["-c", script, "sh", "one"],
        env: { OURS: "base", BOTH: "base" },
        cwd,
      }, { args: ["two words", "*"], env: { THEIRS: "session", BOTH: "session" } });
      const messages = await new Inbox(channel).take(2);
      assert.deepEqual(methodsOf(messages), ["3|two words|base|session|session", await Deno.realPath(cwd)]);
    } finally {
      await Deno.remove(cwd);
    }
  },
);

childTest("processBackend hands a whole line to the shell", async (children) => {
  const line = `printf '{"jsonrpc":"2.0","method":"%s"}\\n' "$WHO" | sed s/world/shell/; cat`;
  const channel = await children.open({ program: line, args: [], shell: true, env: { WHO: "world" } });
  assert.deepEqual(methodsOf(await new Inbox(channel).take(1)), ["shell"]);
});

childTest(
  "processBackend appends a session's arguments to a shell line without reading them",
  async (children) => {
    const line = `printf '{"jsonrpc":"2.0","method":"%s"}\\n'`;
    const channel = await children.open({ program: line, args: [], shell: true }, {
      args: ["two words", "$(id)", "*"],
    });
    assert.deepEqual(methodsOf((await new Inbox(channel).rest()).messages), ["two words", "$(id)", "*"]);
  },
);

childTest("processBackend starts a child for each session", async (children) => {
  const backend = children.backend();
  const { signal } = new AbortController();
  const [one, two] = await Promise.all(
    ["s1", "s2"].map((session) => backend.open(launchOf({ session }), signal)),
  );
  assert(one && two);
  await Promise.all([one, two].map((channel, id) => channel.send(call(id, "echo"))));
  const answers = await Promise.all([one, two].map((channel) => new Inbox(channel).take(1)));
  assert.deepEqual(answers.map(([message]) => structured(message!).pid), children.pids);
  assert.deepEqual(children.told("child.ready").map(({ session }) => session).sort(), ["s1", "s2"]);
});

// --- what it says ---

childTest("processBackend drops a line that is no message, and tells how it began", async (children) => {
  const long = "x".repeat(1_000);
  const channel = await children.script(
    `echo 'Server is up!'; echo ${long}; echo '{"a":1}'; ${echo("a")}; cat`,
  );
  assert.deepEqual(methodsOf(await new Inbox(channel).take(1)), ["a"]);
  const lines = children.told("child.noise").map(({ line }) => line);
  assert.deepEqual(lines, ["Server is up!", long.slice(0, 200), '{"a":1}']);
});

childTest("processBackend tells the asker whose answer is not taken, and goes on", async (children) => {
  const channel = await children.script(
    `echo '${deepAnswer("a")}'; echo '[${deepAnswer(2)},${deepAnswer(3)}]'; ${echo("b")}; cat`,
  );
  const [first, ...rest] = await new Inbox(channel).take(4);
  assert.deepEqual(first, failure("a", DEEP_ANSWER_REFUSED, -32603));
  assert.deepEqual(rest.map((message) => "id" in message ? message.id : methodsOf([message])), [2, 3, ["b"]]);
  assert.deepEqual(
    children.told("server.trouble").map(({ reason }) => reason),
    Array(2).fill("it sent a message that nests deeper than 512 levels (--maxDepth)"),
  );
  assert.deepEqual(children.told("child.noise"), []);
});

childTest("processBackend takes a batch apart", async (children) => {
  const batch = `[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1,"result":{}}]`;
  const channel = await children.script(`echo '${batch}'; cat`);
  const inbox = new Inbox(channel);
  const [first, second] = [await inbox.next(), await inbox.next()];
  assert.deepEqual([first.message, second.message], JSON.parse(batch));
  assert.equal(`[${[first.text, second.text]}]`, batch);
});

childTest(
  "processBackend tells stderr line by line, its last line without a newline too",
  async (children) => {
    const channel = await children.script(`printf 'one\\r\\n\\ntwo ä\\nthree' >&2; exit 0`);
    await new Inbox(channel).rest();
    assert.deepEqual(children.told("child.stderr").map(({ line }) => line), ["one", "two ä", "three"]);
  },
);

childTest("processBackend cuts a line of stderr that is too long, and nothing else", async (children) => {
  const channel = await children.script(
    `echo before >&2; head -c 300000 /dev/zero | tr '\\0' x >&2; echo >&2; echo after >&2`,
  );
  await new Inbox(channel).rest();
  const lines = children.told("child.stderr").map(({ line }) => line);
  assert.equal(lines.length, 3, `${lines.map((line) => line.length)}`);
  assert.deepEqual([lines[0], lines[2]], ["before", "after"]);
  assert.match(lines[1]!, /^x{1000,10000}…$/);
});

childTest("processBackend delivers everything that a child said before it exited", async (children) => {
  // More than the queue holds, and less than a pipe: the child can exit while nobody reads.
  const count = 300;
  const line = `{"jsonrpc":"2.0","method":"n","params":{"text":"${"x".repeat(100)}"}}`;
  const channel = await children.script(
    `i=0; while [ $i -lt ${count} ]; do echo '${line}'; i=$((i+1)); done`,
  );
  await children.hears("child.ready");
  await eventually(() => membersOf(children.pids), (left) => left.length === 0);
  // Longer than a pipe that stays open is waited for: a reader may take its time.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const { messages, error } = await new Inbox(channel).rest();
  assert.equal(messages.length, count);
  assert(error instanceof BackendError);
});

// --- how it fails ---

childTest("processBackend gives the exit code of a crash, and the last lines of stderr", async (children) => {
  const channel = await children.script(
    `${echo("a")}; i=1; while [ $i -le 30 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 7`,
  );
  const { messages, error } = await new Inbox(channel).rest();
  assert.deepEqual(methodsOf(messages), ["a"]);
  assert(error instanceof BackendError);
  assert.match(error.message, /exited with code 7/);
  const { code, signal, expected, stderr } = await children.hears("child.exited");
  assert.deepEqual({ code, signal, expected }, { code: 7, signal: undefined, expected: false });
  assert.deepEqual(stderr, Array.from({ length: 20 }, (_, at) => `line ${at + 11}`));
  assert.deepEqual(children.told("child.failed"), []);
});

childTest(
  "processBackend tells that a child failed which crashed before its first message",
  async (children) => {
    const channel = await children.scripted("--crash");
    const { error } = await new Inbox(channel).rest();
    assert(error instanceof BackendError);
    assert.match(error.message, /exited with code 3/);
    assert.match((await children.hears("child.failed")).reason, /exited with code 3/);
    assert.deepEqual((await children.hears("child.exited")).stderr, ["about to crash on purpose"]);
  },
);

childTest("processBackend names the signal that ended a child", async (children) => {
  const channel = await children.script(`${echo("a")}; kill -KILL $$`);
  const { error } = await new Inbox(channel).rest();
  assert.match(`${error}`, /was ended by SIGKILL/);
  assert.equal((await children.hears("child.exited")).signal, "SIGKILL");
});

childTest("processBackend gives up a child that floods without a newline", async (children) => {
  const channel = await children.open({ maxMessageBytes: 100_000 });
  const inbox = new Inbox(channel);
  await channel.send(call(1, "flood", { bytes: 100_000_000 }));
  const { error } = await inbox.rest();
  assert(error instanceof TooLargeError);
  assert.match(error.message, /longer than 100000 bytes/);
  assert.throws(() => channel.send(call(2, "echo")), DisconnectedError);
  // Nobody has to dispose the channel for that.
  assert.equal((await children.hears("child.exited")).expected, false);
  await eventually(() => membersOf(children.pids), (left) => left.length === 0);
});

childTest(
  "processBackend fails the channel of a child that closed its stdin, and no other",
  async (children) => {
    const channel = await children.script(`exec 0<&-; ${echo("deaf")}; exec sleep 600`);
    const other = await children.scripted();
    const [inbox, otherInbox] = [new Inbox(channel), new Inbox(other)];
    await inbox.next();
    await channel.send(call(2, "echo"));
    const { error } = await inbox.rest();
    assert(error instanceof BackendError);
    assert.match(error.message, /closed its input/);
    assert.throws(() => channel.send(call(3, "echo")), DisconnectedError);
    assert.deepEqual(children.told("child.exited"), []);
    await other.send(call(4, "echo", { still: "here" }));
    assert.equal(structured((await otherInbox.next()).message).still, "here");
  },
);

childTest("processBackend prefers the exit code to the broken pipe that it caused", async (children) => {
  const channel = await children.script(`exec 0<&-; ${echo("a")}; exit 9`);
  const inbox = new Inbox(channel);
  await inbox.next();
  // Some of these meet the closed pipe; once the exit is known they throw.
  try {
    for (let id = 1; id <= 100; id++) await channel.send(call(id, "echo"));
  } catch (error) {
    assert.match(`${error}`, /exited with code 9/);
  }
  assert.match(`${(await inbox.rest()).error}`, /exited with code 9/);
});

childTest("processBackend ends a child that closed its stdout", async (children) => {
  const channel = await children.script(`${echo("a")}; exec 1>&-; exec sleep 600`);
  const { messages, error } = await new Inbox(channel).rest();
  assert.deepEqual(methodsOf(messages), ["a"]);
  assert(error instanceof BackendError);
});

// --- what waits for it ---

childTest(
  "processBackend holds back the sender to a child that does not read, and lets go at dispose",
  async (children) => {
    const channel = await children.script(`${echo("a")}; exec sleep 600`);
    await new Inbox(channel).next();
    const text = "x".repeat(10_000);
    let room: Promise<void> | void = undefined;
    for (let id = 0; !room; id++) {
      assert(id < 1_000, "10 MB went to a child that reads nothing");
      room = channel.send(call(id, text));
    }
    await channel[Symbol.asyncDispose]();
    await room;
    const { expected, signal } = await children.hears("child.exited");
    assert.deepEqual({ expected, signal }, { expected: true, signal: "SIGTERM" });
  },
);

childTest("processBackend does not call a stop a crash when a write was pending", async (children) => {
  const channel = await children.script("exec sleep 600");
  void channel.send(call(1, "x".repeat(1_000_000)));
  await channel[Symbol.asyncDispose]();
  assert.equal((await children.hears("child.exited")).expected, true);
  assert.deepEqual(children.told("child.failed"), []);
});

childTest("processBackend closes without waiting for a child that does not read", async (children) => {
  const channel = await children.script(`${echo("a")}; exec sleep 600`);
  // Taken over by the pipe in part, so that a write is pending; then a little that waits behind it.
  void channel.send(call(1, "x".repeat(1_000_000)));
  void channel.send(call(2, "echo"));
  await channel.close();
  await channel[Symbol.asyncDispose]();
});

childTest("processBackend writes all that waits before it closes stdin", async (children) => {
  const channel = await children.script("cat");
  const inbox = new Inbox(channel);
  const count = 500;
  // Not awaited: close comes while most of it waits.
  for (let id = 0; id < count; id++) void channel.send(call(id, "x".repeat(1_000)));
  void channel.close();
  const { messages, error } = await inbox.rest();
  assert.equal(messages.length, count);
  assert.equal(error, undefined);
});
