/** The audit log of a real gateway: what stands in it, what verifies it, and what happens while it cannot be written. */
import assert from "node:assert/strict";
import { DOORS } from "../support/doors.ts";
import { eventually, type Keystone, runKeystone, startKeystone } from "../support/keystone.ts";
import {
  allMessages,
  answer,
  type AnyMessage,
  beginSession,
  callTool,
  initialize,
  post,
} from "../support/rpc.ts";

const ECHO = [
  "--stdio",
  `${Deno.execPath()} run -A ${new URL("../fixtures/scripted_server.ts", import.meta.url).pathname}`,
];

type Line = Readonly<Record<string, unknown>>;

class Audited implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "keystone-audit-" });
  readonly logs = `${this.folder}/logs`;
  readonly path = `${this.logs}/audit.log`;
  readonly env = { KEYSTONE_STATE_DIR: `${this.folder}/state` };

  constructor() {
    Deno.mkdirSync(this.logs);
  }

  start(...flags: string[]): Promise<Keystone> {
    return startKeystone(["--auditLog", this.path, ...flags, ...ECHO], { env: this.env });
  }

  run(...args: string[]) {
    return runKeystone(args, { env: this.env });
  }

  verify(...args: string[]) {
    return this.run("audit", "verify", this.path, ...args);
  }

  async key(name: string): Promise<string> {
    return (await this.run("keys", "create", "--name", name)).stdout.trim();
  }

  get text(): string {
    return Deno.readTextFileSync(this.path);
  }

  lines(event: string): Line[] {
    const all: Line[] = this.text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
    return all.filter((line) => line.event === event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Without what differs from run to run. */
function plain({ seq: _, time: __, prev: ___, hash: ____, ...fields }: Line): Line {
  return fields;
}

Deno.test("--auditLog has each attempt on each wire, with who it was or why not, and never a credential", async () => {
  await using audited = new Audited();
  const key = await audited.key("ci");
  const id = key.split("_")[1];
  const wrong = `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`;
  await using gateway = await audited.start("--auth", "apiKey", "--stateful");
  for (const knock of DOORS.values()) {
    await knock(gateway.port, { headers: { "X-API-Key": key } });
    await knock(gateway.port, { headers: { "X-API-Key": wrong } });
    await knock(gateway.port);
    await knock(gateway.port, { headers: { Authorization: "Bearer nobody-in-particular" } });
  }
  await gateway.stop();
  const known = { event: "auth", kind: "apiKey", key: id, address: "127.0.0.1" };
  const refused = { event: "auth", result: "refused", address: "127.0.0.1" };
  const ofOneDoor = [{ ...known, result: "refused", reason: "wrong" }, { ...refused, reason: "unknown" }];
  const attempts = audited.lines("auth").map(plain);
  const wrongs = attempts.filter(({ result, reason }) => result === "refused" && reason !== "absent");
  assert.deepEqual(wrongs, [...DOORS].flatMap(() => ofOneDoor));
  // Those of one second are counted.
  const counted = (line: Line) => {
    const alike = attempts.filter(({ result, reason }) => result === line.result && reason === line.reason);
    for (const { count: _, ...rest } of alike) assert.deepEqual(rest, line);
    return alike.reduce((sum, { count = 1 }) => sum + Number(count), 0);
  };
  assert.equal(counted({ ...known, result: "accepted", principal: "apiKey/ci" }), DOORS.size);
  assert.equal(counted({ ...refused, reason: "absent" }), DOORS.size);
  const opened = audited.lines("session.opened");
  assert.deepEqual(opened.map(({ wire }) => wire), ["streamableHttp", "sse", "websocket"]);
  assert(opened.every(({ principal, address }) => principal === "apiKey/ci" && address === "127.0.0.1"));
  assert.equal(audited.lines("session.closed").length, 3);
  assert.doesNotMatch(audited.text, new RegExp(`${key.split("_").slice(2).join("_")}|nobody-in-particular`));
});

Deno.test("--auditLog counts each attempt, also those just before a second signal ends all at once", async () => {
  await using audited = new Audited();
  const headers = { "X-API-Key": await audited.key("ci") };
  await using gateway = await audited.start("--auth", "apiKey", "--shutdownTimeout", "10m");
  const open = post(gateway.mcp, callTool(1, "sleep", { ms: 600_000 }), { headers })
    .then((response) => response.text()).catch(() => "");
  await eventually(() => gateway.children(), (children) => children.length > 0);
  gateway.signal("SIGTERM");
  await gateway.logged(/Gateway is stopping/);
  // For half a second a second signal would be an echo of the first; there is no event for its end.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (let time = 0; time < 5; time++) {
    const response = await post(gateway.mcp, initialize(), { headers });
    assert.equal(response.status, 503);
    await response.body?.cancel();
  }
  gateway.signal("SIGTERM");
  await gateway.status;
  await open;
  const attempts = audited.lines("auth");
  assert.equal(attempts.reduce((sum, { count = 1 }) => sum + Number(count), 0), 6);
  assert.equal((await audited.verify()).code, 0);
});

Deno.test("--auditLog has calls of tools with their sizes and outcome, and arguments only with --auditArguments", async () => {
  await using audited = new Audited();
  {
    await using gateway = await audited.start();
    const call = JSON.stringify(callTool("a", "echo", { text: "private words" }));
    const response = await post(gateway.mcp, call);
    const body = await response.text();
    await (await post(gateway.mcp, callTool(2, "no such tool"))).text();
    await (await post(gateway.mcp, { jsonrpc: "2.0", id: 3, method: "tools/list" })).text();
    await gateway.stop();
    const [echoed, failed, ...more] = audited.lines("tool.call");
    const { session, ms, ...rest } = plain(echoed ?? {});
    assert.match(String(session), /^[0-9a-f]{8}$/);
    assert.equal(typeof ms, "number");
    assert.deepEqual(rest, {
      ...{ event: "tool.call", id: "a", tool: "echo", outcome: "result" },
      ...{ requestSize: call.length, answerSize: body.length },
    });
    assert.deepEqual([failed?.tool, failed?.outcome, more], ["no such tool", "error", []]);
    assert.doesNotMatch(audited.text, /private words/);
  }
  await using gateway = await audited.start("--auditArguments");
  await (await post(gateway.mcp, callTool(1, "echo", { text: "private words", password: "hunter2" }))).text();
  await gateway.stop();
  const [told] = audited.lines("tool.arguments");
  assert.deepEqual([told?.tool, told?.arguments], ["echo", {
    text: "private words",
    password: "[REDACTED]",
  }]);
  assert.doesNotMatch(gateway.stderr(), /private words/);
  assert.equal((await audited.verify()).code, 0);
});

Deno.test("--auditLog has what changes: keys, settings, calls of the admin endpoint", async () => {
  await using audited = new Audited();
  const key = await audited.key("first-one");
  await using gateway = await audited.start("--auth", "apiKey", "--runtimeAdminPort", "0");
  const log = await gateway.logged(/url=http:\S+ file=\S+/);
  const [, url = "", file = ""] = /url=(http:\S+) file=(\S+)/.exec(log) ?? [];
  const token = (await Deno.readTextFile(file)).trim();
  const changed = async () => {
    // The file is looked at while somebody calls.
    const headers = { "X-API-Key": key };
    await (await post(gateway.mcp, { jsonrpc: "2.0", id: 1, method: "ping" }, { headers })).text();
    return audited.lines("keys.changed").map(plain);
  };
  const made = (await audited.key("second")).split("_")[1];
  await eventually(changed, ({ length }) => length === 1);
  await audited.run("keys", "revoke", "second");
  const none = { made: [], changed: [], revoked: [], removed: [] };
  assert.deepEqual(await eventually(changed, ({ length }) => length === 2), [
    { event: "keys.changed", kind: "apiKey", ...none, made: [made] },
    { event: "keys.changed", kind: "apiKey", ...none, revoked: [made] },
  ]);
  const response = await fetch(new URL("/status", url), { headers: { Authorization: `Bearer ${token}` } });
  await response.text();
  await gateway.stop();
  assert.deepEqual(audited.lines("admin.called").map(plain), [
    { event: "admin.called", method: "GET", path: "/status", status: 200 },
  ]);
  assert(!audited.text.includes(token));
});

Deno.test("keystone audit verify tells an edit, a gap and a cut from what was written, over restarts and files", async () => {
  await using audited = new Audited();
  for (const run of [1, 2, 3]) {
    await using gateway = await audited.start("--auditMaxSize", "1k", "--auditKeep", "50");
    for (const id of [1, 2]) {
      await (await post(gateway.mcp, callTool(id, "echo"))).text();
      await eventually(() => Promise.resolve(audited.lines("tool.call")), (lines) => lines.length > 0);
    }
    if (run < 3) await gateway.stop();
    else {
      const { code, stderr } = await audited.verify();
      assert.deepEqual([code, /its gateway is running/.test(stderr)], [0, true]);
      await gateway.stop();
    }
  }
  const good = await audited.verify();
  assert.equal(good.code, 0, good.stderr);
  assert.match(
    good.stdout,
    /^12 lines of [3-9] files are as written: 1 to 12 of the chain\n/,
  );
  const [, last = ""] = /^The last one is (\d+:[0-9a-f]{64})$/m.exec(good.stdout) ?? [];
  assert.equal((await audited.verify("--expect", last)).code, 0);
  const { ok, lines } = JSON.parse((await audited.verify("--json")).stdout);
  assert.deepEqual([ok, lines], [true, 12]);
  const oldest = `${audited.path}.1`;
  const before = await Deno.readTextFile(oldest);
  await Deno.writeTextFile(oldest, before.replace(/"time":"2/, '"time":"3'));
  const edited = await audited.verify();
  assert.equal(edited.code, 1);
  assert.match(edited.stderr, /audit\.log\.1:1: line \d+ of the chain was changed\n/);
  await Deno.writeTextFile(oldest, before.split("\n").slice(1).join("\n"));
  const gap = await audited.verify();
  assert.equal(gap.code, 1);
  assert.match(gap.stderr, /line \d+ of the chain is missing before it\n/);
  await Deno.writeTextFile(oldest, before);
  const tail = audited.text.split("\n").slice(0, -2).map((line) => `${line}\n`).join("");
  await Deno.writeTextFile(audited.path, tail);
  assert.equal((await audited.verify("--expect", last)).code, 1);
  for (
    const [args, told] of [
      [["audit"], /keystone audit: expected verify/],
      [["audit", "verify"], /expected the file of an audit log/],
      [["audit", "verify", `${audited.path}.none`], /there is no such file/],
      [["audit", "verify", audited.path, "--expect", "x"], /--expect "x": expected the number of a line/],
    ] as const
  ) {
    const { code, stderr } = await audited.run(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, told);
  }
});

Deno.test("a killed gateway leaves a log that the next one goes on behind, and says so", async () => {
  await using audited = new Audited();
  {
    await using gateway = await audited.start();
    await (await post(gateway.mcp, callTool(1, "echo"))).text();
    await eventually(() => Promise.resolve(audited.lines("tool.call")), ({ length }) => length === 1);
    gateway.signal("SIGKILL");
    await gateway.status;
  }
  // As a full disk or a crash of the machine would leave it.
  await Deno.writeTextFile(audited.path, audited.text + '{"seq":3,"time":"20');
  await using gateway = await audited.start();
  await gateway.logged(/WRN Audit log goes on .*state="without an end" torn=19/);
  // Two would not know of one another's lines.
  const second = await audited.run("--auditLog", audited.path, "--port", "0", ...ECHO);
  assert.equal(second.code, 2);
  assert.match(
    second.stderr,
    /^keystone: --auditLog ".*": another gateway writes to it; name another file for this one\n$/,
  );
  await gateway.stop();
  const { code, stderr } = await audited.verify();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Note: .*:3: a line was not finished when its gateway was killed/);
  assert.match(stderr, /Note: .*:4: the gateway before line 3 of the chain did not stop in order/);
});

Deno.test(
  "while the audit log cannot be written nobody new is served on any wire, health says why, and it recovers",
  {
    ignore: Deno.build.os === "windows",
  },
  async () => {
    await using audited = new Audited();
    await using gateway = await audited.start("--stateful");
    const session = await beginSession(gateway.mcp);
    await using socket = await talker(gateway.ws);
    await socket.ask(initialize(0));
    const away = `${audited.folder}/away`;
    await Deno.rename(audited.logs, away);
    // It is served, and its line waits.
    await (await post(gateway.mcp, callTool(1, "echo"), { session })).text();
    await gateway.logged(/ERR Audit log cannot be written, and nobody new is served/);
    for (const [wire, knock] of DOORS) {
      const { status, headers, body } = await knock(gateway.port);
      assert.equal(status, 503, wire);
      assert.equal(headers.get("retry-after"), "5");
      assert.doesNotMatch(body, /audit\.log|keystone-audit/);
    }
    const kept = await post(gateway.mcp, callTool(2, "echo"), { session });
    assert.equal(kept.status, 503);
    await kept.body?.cancel();
    assert.match(
      (await socket.ask(callTool(3, "echo"))).error.message,
      /Nothing is served while it could not be recorded/,
    );
    const health = await fetch(new URL("/health", gateway.mcp));
    assert.equal(health.status, 503);
    const { status, reason } = await health.json();
    assert.equal(status, "failed");
    assert.match(reason, /^The audit log cannot be written: its folder is not there/);
    await Deno.rename(away, audited.logs);
    await gateway.logged(/INF Audit log can be written again/);
    assert.equal((await answer(await post(gateway.mcp, callTool(4, "echo"), { session }))).id, 4);
    assert.equal((await socket.ask(callTool(5, "echo"))).id, 5);
    const healed = await fetch(new URL("/health", gateway.mcp));
    assert.equal(healed.status, 200);
    await healed.body?.cancel();
    await gateway.stop();
    // Nothing that was served is missing.
    assert.deepEqual(audited.lines("tool.call").map(({ id }) => id), [1, 4, 5]);
    assert.equal(audited.lines("audit.recovered").length, 1);
    const verified = await audited.verify();
    assert.equal(verified.code, 0, verified.stderr);
  },
);

Deno.test("a disk that is full from the start is told of, and served nobody", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using gateway = await startKeystone(["--auditLog", "/dev/full", ...ECHO]);
  await gateway.logged(/ERR Audit log cannot be written, .*No space left on device/);
  for (const [wire, knock] of DOORS) assert.equal((await knock(gateway.port)).status, 503, wire);
  await gateway.stop();
  assert.match(gateway.stderr(), /ERR Audit log ends, and its last lines could not be written .*lost=2/);
});

interface Talker extends AsyncDisposable {
  ask(message: unknown): Promise<AnyMessage>;
}

/** One question after the other. */
async function talker(url: string, ...protocols: string[]): Promise<Talker> {
  const socket = new WebSocket(url, ["mcp", ...protocols]);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return {
    ask: (message) =>
      new Promise((resolve) => {
        socket.onmessage = ({ data }) => resolve(JSON.parse(data));
        socket.send(JSON.stringify(message));
      }),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => socket.onclose = resolve);
      if (socket.readyState !== WebSocket.CLOSED) {
        socket.close();
        await closed;
      }
    },
  };
}

Deno.test("--auditLog has calls without an id, and what was refused for want of a scope, with who and which tool", async () => {
  await using audited = new Audited();
  const key = await audited.key("ci");
  await using gateway = await audited.start("--auth", "apiKey", "--requiredScope", "delete_*=admin");
  const headers = { "X-API-Key": key };
  const call = (name: string, id?: number) => {
    const message = { jsonrpc: "2.0", method: "tools/call", params: { name, arguments: {} } };
    return post(gateway.mcp, id === undefined ? message : { ...message, id }, { headers });
  };
  const statusOf = async (...args: Parameters<typeof call>) => {
    const response = await call(...args);
    await response.text();
    return response.status;
  };
  // Once the second one is answered the first one was passed on.
  assert.deepEqual([await statusOf("echo"), await statusOf("echo", 1)], [202, 200]);
  const statuses = [
    await statusOf("delete_all", 2),
    await statusOf("delete_all"),
    await statusOf("delete_x"),
  ];
  assert.deepEqual(statuses, [403, 403, 403]);
  await using socket = await talker(gateway.ws, `bearer.${key}`);
  await socket.ask(initialize());
  assert.equal((await socket.ask(callTool(3, "delete_all"))).error.data.auth.error, "insufficient_scope");
  // What is no name is no question of scopes.
  assert.equal((await socket.ask(callTool(4, 5 as unknown as string))).error.code, -32602);
  await gateway.stop();
  const [unanswered] = audited.lines("tool.call").map(plain);
  assert.deepEqual(
    [unanswered?.tool, unanswered?.principal, unanswered?.outcome],
    ["echo", "apiKey/ci", "notification"],
  );
  const refused = audited.lines("auth").map(plain).filter(({ result }) => result === "refused");
  const line = { event: "auth", result: "refused", reason: "insufficient scope", kind: "apiKey" };
  const whose = { key: key.split("_")[1], principal: "apiKey/ci", address: "127.0.0.1" };
  const told = (name: string) => {
    const lines = refused.filter(({ tool }) => tool === name);
    for (const { count: _, ...rest } of lines) assert.deepEqual(rest, { ...line, ...whose, tool: name });
    return lines.reduce((sum, { count = 1 }) => sum + Number(count), 0);
  };
  assert.deepEqual([told("delete_all"), told("delete_x")], [3, 1]);
  assert.equal(refused.filter(({ tool }) => tool === undefined).length, 0);
  const calls = audited.lines("tool.call").map(({ tool, outcome }) => `${tool} ${outcome}`);
  assert(!calls.some((call) => call.startsWith("delete_")), `${calls}`);
  assert.match(gateway.stderr(), /Request refused .*status=403 .*principal=apiKey\/ci address=127\.0\.0\.1/);
});

Deno.test("--auditLog counts what strangers are refused, so that they cannot fill it", async () => {
  await using audited = new Audited();
  await using gateway = await audited.start(
    "--auth",
    "apiKey",
    "--authOptional",
    "--requiredScope",
    "d*=admin",
  );
  const calls = 200;
  await using socket = await talker(gateway.ws);
  await socket.ask(initialize());
  for (let id = 0; id < calls; id++) {
    assert.equal((await socket.ask(callTool(id, `delete_${id}`))).error.data.auth.scope, "admin");
    assert.equal((await post(gateway.mcp, callTool(id, `drop_${id}`)).then(allMessages)).length, 1);
  }
  await gateway.stop();
  const refused = audited.lines("auth").filter(({ result }) => result === "refused");
  const [first, ...others] = refused.map(plain);
  const line = { event: "auth", result: "refused", reason: "insufficient scope", address: "127.0.0.1" };
  assert.deepEqual(first, { ...line, tool: "delete_0" });
  // One begins each second, and one has the count of it.
  const told = refused.reduce((sum, { count = 1 }) => sum + Number(count), 0);
  assert.equal(told, 2 * calls);
  for (const one of others) assert(typeof one.count === "number" ? !("tool" in one) : "tool" in one);
  const all = audited.text.split("\n").length;
  assert(all < calls, `${all} lines`);
});

Deno.test("--auditLog counts who comes without credentials, and says for which of several servers a scope is lacking", async () => {
  await using audited = new Audited();
  const key = await audited.key("ci");
  const file = `${audited.folder}/keystone.json`;
  const [command, ...args] = ECHO[1]!.split(" ");
  const server = { command, args, requiredScope: ["admin"] };
  const config = {
    auth: { kinds: ["apiKey"] },
    servers: { one: server, two: { ...server, requiredScope: ["d*=x"] } },
  };
  await Deno.writeTextFile(file, JSON.stringify(config));
  await using gateway = await startKeystone(["--auditLog", audited.path, "--config", file], {
    env: audited.env,
  });
  const headers = { "X-API-Key": key };
  const at = (name: string) => `http://127.0.0.1:${gateway.port}/${name}/mcp`;
  for (const name of ["one", "two"]) {
    const response = await post(at(name), callTool(1, "drop"), { headers });
    await response.body?.cancel();
    assert.equal(response.status, 403);
  }
  for (let count = 0; count < 50; count++) {
    const response = await post(at("one"), callTool(1, "echo"));
    await response.body?.cancel();
    assert.equal(response.status, 401);
  }
  await gateway.stop();
  const refused = audited.lines("auth").map(plain).filter(({ result }) => result === "refused");
  const lacking = refused.filter(({ reason }) => reason === "insufficient scope");
  assert.deepEqual(lacking.map(({ server, tool }) => [server, tool]), [["one", undefined], ["two", "drop"]]);
  const absent = refused.filter(({ reason }) => reason === "absent");
  assert.equal(absent.reduce((sum, { count = 1 }) => sum + Number(count), 0), 50);
  assert(absent.length < 25, `${absent.length} lines`);
});
