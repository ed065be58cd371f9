/** keystone start, stop, restart, status, logs and health: real gateways in the background, each in a state folder of its test. */
import assert from "node:assert/strict";
import { relative } from "node:path";
import { inTime } from "../contract/deadline.ts";
import { connect } from "../support/clients.ts";
import { Daemons, type KeptRecord } from "../support/daemon.ts";
import { descendants, eventually, SCRIPTED } from "../support/keystone.ts";
import { running } from "../support/processes.ts";
import { answer, beginSession, callTool, post } from "../support/rpc.ts";

const SERVER = ["--", ...SCRIPTED];
const gone = (pids: readonly number[]) => eventually(() => running(pids), (left) => left.length === 0);
const mcpOf = ({ urls }: KeptRecord) => urls[0] ?? "";
const hasFile = (path: string) => Deno.stat(path).then(() => true, () => false);

/** By a real client. */
async function callThrough({ urls: [mcp = "", sse = "", ws = ""] }: KeptRecord): Promise<void> {
  await using connected = await connect({ mcp, sse, ws }, "Streamable HTTP");
  const result = await connected.client.callTool({ name: "echo", arguments: { said: "word" } });
  assert.match(JSON.stringify(result), /word/);
}

async function killed(daemons: Daemons, name?: string): Promise<KeptRecord> {
  const record = await daemons.record(name);
  Deno.kill(record.pid, "SIGKILL");
  await gone([record.pid]);
  return record;
}

Deno.test("start returns when the gateway serves, with its pid, its URLs and its log; stop ends it and its children", async () => {
  await using daemons = await Daemons.create();
  const { code, stdout, stderr } = await daemons.run("start", "--port", "0", "--stateful", ...SERVER);
  assert.deepEqual([code, stderr], [0, ""]);
  const record = await daemons.record();
  const { pid } = record;
  const [mcp, sse, ws] = record.urls;
  assert.equal(
    stdout,
    `Started "default", pid ${pid}\n  ${mcp}\n  ${sse}\n  ${ws}\n  log ${daemons.path("default.log")}\n`,
  );
  await callThrough(record);
  await beginSession(mcpOf(record));
  const processes = [pid, ...await descendants(pid)];
  assert(processes.length > 1);
  const stopped = await daemons.run("stop");
  assert.deepEqual(stopped, { code: 0, stdout: 'Stopped "default"\n', stderr: "" });
  await gone(processes);
  assert(!await hasFile(daemons.path("default.json")));
  assert.match(await Deno.readTextFile(daemons.path("default.log")), /Gateway stopped\n$/);
  assert.deepEqual(await daemons.run("stop"), {
    ...{ code: 0, stdout: "", stderr: 'Gateway "default" does not run\n' },
  });
});

Deno.test({
  name: "start leaves files that their owner alone can read, and no token in the log",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using daemons = await Daemons.create();
    const { admin } = await daemons.start(...SERVER);
    await daemons.run("status");
    for (const file of ["default.json", "default.log", "default.lock"]) {
      assert.equal((await Deno.stat(daemons.path(file))).mode! & 0o777, 0o600, file);
    }
    assert.equal((await Deno.stat(daemons.folder)).mode! & 0o777, 0o700);
    assert(!(await Deno.readTextFile(daemons.path("default.log"))).includes(admin.token));
  },
});

Deno.test("start says that a gateway of this name runs, and lets others run beside it", async () => {
  await using daemons = await Daemons.create();
  const { pid, urls } = await daemons.start(...SERVER);
  const again = await daemons.run("start", "--port", "0", ...SERVER);
  assert.deepEqual(again, {
    ...{ code: 1, stdout: "" },
    stderr: `keystone: gateway "default" runs already: pid ${pid}, ${urls[0]}\n`,
  });
  const other = await daemons.start("--name", "other", ...SERVER);
  assert.notEqual(other.pid, pid);
  assert.equal((await daemons.run("stop", "--name", "other")).code, 0);
  assert.deepEqual(await running([pid, other.pid]), [pid]);
  assert.match((await daemons.run("status", "--name", "other")).stderr, /does not run; there is default\n$/);
});

Deno.test("start of one name at once: one wins, and the others say so", async () => {
  await using daemons = await Daemons.create();
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, () => daemons.run("start", "--no-try-at-start", "--port", "0", ...SERVER)),
  );
  const [won, lost] = [0, 1].map((code) => outcomes.filter((outcome) => outcome.code === code));
  assert.deepEqual([won?.length, lost?.length], [1, 3]);
  const { pid } = await daemons.record();
  assert(won?.[0]?.stdout.startsWith(`Started "default", pid ${pid}\n`));
  for (const { stderr } of lost ?? []) assert.match(stderr, /^keystone: gateway "default" runs already.*\n$/);
  assert.equal((await daemons.run("status")).code, 0);
});

Deno.test("start tells what keeps the gateway from serving, and leaves none behind", async (t) => {
  await using daemons = await Daemons.create();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const cases: [string, string[], RegExp][] = [
    ["a bad flag", ["--port", "99999", ...SERVER], /^keystone: --port "99999": expected a whole number/],
    [
      "an unknown flag",
      ["--prot", "1", ...SERVER],
      /^keystone: --prot: unknown flag, did you mean --port\?\n$/,
    ],
    ["no server", [], /^keystone: No server given/],
    ["a bad name", ["--name", "../x", ...SERVER], /^keystone: --name "\.\.\/x": expected letters/],
    [
      "a client on stdin",
      ["--outputTransport", "stdio", ...SERVER],
      /^keystone: --outputTransport stdio: nobody/,
    ],
    [
      "a prompt",
      ["--runtimePrompt", ...SERVER],
      /^keystone: --runtimePrompt: nobody is at the terminal .*; --runtimeAdminPort does the same by HTTP$/m,
    ],
    [
      "a parent that ends",
      ["--exitWithParent", ...SERVER],
      /^keystone: --exitWithParent: its parent ends at once/,
    ],
    [
      "a port in use",
      ["--port", `${port}`, ...SERVER],
      new RegExp(`^keystone: --port "${port}": the port is in use`),
    ],
    [
      "an admin port in use",
      ["--port", "0", "--runtimeAdminPort", `${port}`, ...SERVER],
      new RegExp(`^keystone: --runtimeAdminPort "${port}": the port is in use`),
    ],
    [
      "a missing certificate",
      ["--tlsCert", "no.pem", "--tlsKey", "no.pem", ...SERVER],
      /^keystone: --tlsCert "no.pem"/,
    ],
    [
      "a log that cannot be",
      ["--logFile", "/no/folder/log", ...SERVER],
      /^keystone: --logFile "\/no\/folder\/log": /,
    ],
  ];
  for (const [what, flags, says] of cases) {
    await t.step(what, async () => {
      const { code, stdout, stderr } = await daemons.run("start", ...flags);
      assert.match(stderr, says);
      assert.equal(stderr.trimEnd().split("\n").length, 1);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.equal((await daemons.run("status")).code, 3);
    });
  }
});

Deno.test("start serves a remote server on the network, since nobody is on its stdin", async () => {
  await using daemons = await Daemons.create();
  const near = await daemons.start("--name", "near", ...SERVER);
  const far = await daemons.start("--name", "far", mcpOf(near));
  await callThrough(far);
});

Deno.test("start says at the terminal what else only the log would say, and shows no secret", async () => {
  await using daemons = await Daemons.create();
  const token = "s3cret-token-of-this-test-0123456789";
  const flags = ["--port", "0", "--auth", "bearer", "--bearerToken", token, ...SERVER];
  const { code, stdout, stderr } = await daemons.run("start", ...flags);
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /^keystone: warning: A secret stands on the command line \(--bearerToken\); .* \(KEYSTONE_BEARER_TOKEN\)/m,
  );
  assert.doesNotMatch(stdout + stderr, new RegExp(token));
});

Deno.test("start shows of what it warns of nothing that a terminal would act upon", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using daemons = await Daemons.create();
  const folder = await Deno.makeTempDir();
  const file = `${folder}/\x1b]0;title\x07.json`;
  // Whatever the file has that nobody knows is warned of by the name of the file.
  await Deno.writeTextFile(file, JSON.stringify({ mcpServers: { a: { command: "cat", unheardOf: 1 } } }));
  try {
    const { stderr } = await daemons.run("start", "--port", "0", "--no-try-at-start", "--config", file);
    assert.match(stderr, /warning: .*\\u001b\]0;title\\u0007/);
    // deno-lint-ignore no-control-regex -- it is what must not be there
    assert.doesNotMatch(stderr, /[\x1b\x07]/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("start --foreground stays, logs to stderr, and is found by its name", async () => {
  await using daemons = await Daemons.create();
  const flags = ["--foreground", "--name", "unit", "--no-try-at-start", "--port", "0", ...SERVER];
  await using gateway = daemons.follow("start", ...flags);
  await inTime(gateway.printed(/\n}\n/), "the banner");
  const status = await eventually(() => daemons.run("status", "--name", "unit"), ({ code }) => code === 0);
  assert.match(status.stdout, new RegExp(`^gateway +unit, pid ${gateway.pid}\n`));
  assert.match(status.stdout, /^log +its stderr$/m);
  assert.match(gateway.text(), /^Keystone .* serves /);
  await gateway.logged(/Gateway started/);
  const logs = await daemons.run("logs", "--name", "unit");
  assert.match(logs.stderr, /writes its log to stderr/);
  assert.equal(logs.code, 1);
  assert.equal((await daemons.run("stop", "--name", "unit")).code, 0);
  assert.equal((await gateway.status).code, 0);
});

Deno.test("status tells how a gateway is, as text and as JSON", async () => {
  await using daemons = await Daemons.create();
  const record = await daemons.start("--stateful", ...SERVER);
  const session = await beginSession(mcpOf(record));
  await answer(await post(mcpOf(record), callTool(1, "exit", { code: 3 }), { session }));
  const ask = async () => JSON.parse((await daemons.run("status", "--json")).stdout);
  const { uptimeSeconds, startedAt, lastError, version, ...told } = await eventually(
    ask,
    ({ restarts, children }) => restarts === 1 && children === 1,
  );
  const { pid, urls, admin } = record;
  assert.deepEqual(told, {
    ...{ name: "default", running: true, answers: true, pid, urls, admin: admin.url },
    ...{ log: daemons.path("default.log"), health: { status: "ok", serving: true } },
    ...{ sessions: 1, openRequests: 0, children: 1, restarts: 1 },
    servers: { [Object.keys(told.servers)[0] ?? ""]: { status: "ok", sessions: 1 } },
  });
  assert(Number.isInteger(uptimeSeconds) && uptimeSeconds >= 0);
  assert(Math.abs(Date.parse(startedAt) - Date.now()) < 3_600_000);
  assert.equal(lastError.event, "child.exited");
  assert(Date.parse(lastError.at) >= Date.parse(startedAt));
  assert.match(version, /^\d+\.\d+\.\d+/);
  const { code, stdout } = await daemons.run("status");
  assert.equal(code, 0);
  for (
    const line of [
      /^gateway +default, pid \d+$/m,
      /^up +\d+/m,
      /^health +ok$/m,
      /^sessions +1, open requests 0$/m,
    ]
  ) {
    assert.match(stdout, line);
  }
  assert.match(stdout, /^children +1, restarts 1$/m);
  assert.match(stdout, /^last error \d.*ended by itself/m);
  assert.doesNotMatch(stdout, /^server /m);
  assert(!stdout.includes(admin.token));
});

Deno.test("status of none: exit code 3, as text and as JSON", async () => {
  await using daemons = await Daemons.create();
  assert.deepEqual(await daemons.run("status"), {
    ...{ code: 3, stdout: "", stderr: 'Gateway "default" does not run\n' },
  });
  assert.deepEqual(await daemons.run("status", "--json", "--name", "x"), {
    ...{ code: 3, stdout: '{"name":"x","running":false}\n', stderr: "" },
  });
});

Deno.test("start works again after kill -9, and the children of the killed one are gone", async () => {
  await using daemons = await Daemons.create();
  const record = await daemons.start("--stateful", ...SERVER);
  await beginSession(mcpOf(record));
  const children = await descendants(record.pid);
  const { pid } = await killed(daemons);
  assert(await hasFile(daemons.path("default.json")));
  const next = await daemons.start(...SERVER);
  assert.notEqual(next.pid, pid);
  assert.equal((await daemons.run("health")).code, 0);
  await gone(children);
});

Deno.test("what a killed gateway has left is told by status and health, and cleared away by stop", async () => {
  await using daemons = await Daemons.create();
  await daemons.start(...SERVER);
  const { pid } = await killed(daemons);
  const told =
    `Gateway "default" does not run: its process ${pid} has ended, and its flags are kept; keystone restart takes them\n`;
  assert.deepEqual(await daemons.run("status"), { code: 3, stdout: "", stderr: told });
  assert.deepEqual(await daemons.run("health"), { code: 1, stdout: told, stderr: "" });
  assert(await hasFile(daemons.path("default.json")));
  assert.equal((await daemons.run("stop")).code, 0);
  assert(!await hasFile(daemons.path("default.json")));
});

Deno.test("a gateway whose record is gone or broken is told with its process, and stop does not say that it is stopped", async () => {
  await using daemons = await Daemons.create();
  const record = await daemons.start(...SERVER);
  const path = daemons.path("default.json");
  const { pid } = record;
  const holder = `process ${pid} holds ${daemons.path("default.lock")}, and kill ${pid} ends it`;
  for (const text of [undefined, "{"]) {
    if (text === undefined) await Deno.remove(path);
    else await Deno.writeTextFile(path, text);
    const { code, stdout, stderr } = await daemons.run("stop", "--grace", "0");
    assert.deepEqual([code, stdout], [1, ""]);
    assert(stderr.trimEnd().endsWith(holder), stderr);
    assert((await daemons.run("status")).stderr.trimEnd().endsWith(holder));
  }
  Deno.kill(record.pid, "SIGTERM");
  await gone([record.pid]);
});

Deno.test("restart that fails where a start alone can tell keeps the flags, and says so", async () => {
  await using daemons = await Daemons.create();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await daemons.start("--maxSessions", "7", ...SERVER);
  const failed = await daemons.run("restart", "--port", `${taken.addr.port}`);
  assert.equal(failed.code, 2);
  assert.match(failed.stderr, /the port is in use[^]*is stopped, and keeps its flags: keystone restart/);
  assert.equal((await daemons.run("status")).code, 3);
  assert.equal((await daemons.run("restart")).code, 0);
  assert((await daemons.record()).flags.includes("--maxSessions=7"));
});

Deno.test({
  name: "SIGHUP ends no gateway in the background, though it has no file to read anew",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using daemons = await Daemons.create();
    const { pid } = await daemons.start(...SERVER);
    Deno.kill(pid, "SIGHUP");
    const logs = () => daemons.run("logs");
    await eventually(logs, ({ stdout }) => /WRN SIGHUP: there is no configuration file/.test(stdout));
    assert.equal((await daemons.run("health")).code, 0);
  },
});

Deno.test("a record whose pid is another process's now is stale: that one is left alone", async () => {
  await using daemons = await Daemons.create();
  await daemons.start(...SERVER);
  const record = await killed(daemons);
  const innocent = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  try {
    for (const command of ["stop", "status", "restart"]) {
      await Deno.writeTextFile(
        daemons.path("default.json"),
        JSON.stringify({ ...record, pid: innocent.pid }),
      );
      const { code } = await daemons.run(command, ...command === "stop" ? ["--grace", "0"] : []);
      assert.equal(code, command === "status" ? 3 : 0, command);
      assert.deepEqual(await running([innocent.pid]), [innocent.pid], command);
    }
    assert.notEqual((await daemons.record()).pid, innocent.pid);
  } finally {
    innocent.kill("SIGKILL");
    await innocent.status;
  }
});

Deno.test("a broken record is told with its path, and start replaces it", async () => {
  await using daemons = await Daemons.create();
  const path = daemons.path("default.json");
  for (const text of ["{", '{"pid":1}']) {
    await Deno.writeTextFile(path, text);
    for (const command of ["status", "stop", "health", "restart"]) {
      const { code, stderr } = await daemons.run(command);
      assert.equal(code, 1, command);
      assert(stderr.startsWith(`keystone: failed: ${path} is no record of a gateway`), stderr);
    }
  }
  await daemons.start(...SERVER);
  assert.equal((await daemons.run("status")).code, 0);
});

Deno.test("restart keeps the flags of start, and takes new ones in the place of those", async () => {
  await using daemons = await Daemons.create();
  const first = await daemons.start("--stateful", "--env", "A=1", ...SERVER);
  const bad = await daemons.run("restart", "--maxSessions", "none");
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /^keystone: --maxSessions "none": expected/);
  assert.deepEqual(await running([first.pid]), [first.pid]);
  assert.equal((await daemons.run("restart", "--no-stateful", "--grace", "1m")).code, 0);
  const second = await daemons.record();
  assert.notEqual(second.pid, first.pid);
  await gone([first.pid]);
  const flags = ["--env=A=1", "--port=0", "--stateful=false", "--tryAtStart=false"];
  assert.deepEqual(second.flags.slice(0, -SERVER.length).toSorted(), flags);
  assert.deepEqual(second.flags.slice(-SERVER.length), SERVER);
  assert.equal((await daemons.run("restart", "--name", "none")).code, 3);
});

Deno.test("restart from another folder finds the state folder where it was typed, and leaves the gateway in it", async () => {
  const elsewhere = await Deno.makeTempDir({ prefix: "keystone-elsewhere-" });
  await using daemons = await Daemons.create({ cwd: elsewhere });
  await daemons.start("--name", "b", ...SERVER);
  const KEYSTONE_STATE_DIR = relative(Deno.cwd(), daemons.folder);
  await using here = await Daemons.create({ env: { KEYSTONE_STATE_DIR } });
  assert.equal((await here.run("restart", "--name", "b")).code, 0);
  assert.equal((await here.run("status", "--name", "b")).code, 0);
  await killed(daemons, "b");
  assert.match((await here.run("status", "--name", "b")).stderr, /; keystone restart --name b takes them\n$/);
  await Deno.remove(elsewhere, { recursive: true });
});

Deno.test("restart brings back a gateway that was killed, with its flags", async () => {
  await using daemons = await Daemons.create();
  await daemons.start("--maxSessions", "7", ...SERVER);
  await killed(daemons);
  assert.equal((await daemons.run("restart")).code, 0);
  assert((await daemons.record()).flags.includes("--maxSessions=7"));
});

Deno.test({
  name: "stop kills a gateway that does not end within the grace, and its children go with it",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using daemons = await Daemons.create();
    const record = await daemons.start("--stateful", ...SERVER);
    await beginSession(mcpOf(record));
    const processes = [record.pid, ...await descendants(record.pid)];
    // It hears nothing any more.
    Deno.kill(record.pid, "SIGSTOP");
    const { code, stdout } = await daemons.run("stop", "--grace", "100ms");
    assert.deepEqual([code, stdout], [0, 'Killed "default": it did not stop within 0.1 s (--grace)\n']);
    await gone(processes);
    assert.equal((await daemons.run("status")).code, 3);
  },
});

Deno.test("stop lets open calls finish", async () => {
  await using daemons = await Daemons.create();
  const record = await daemons.start("--shutdownTimeout", "1h", ...SERVER);
  const call = post(mcpOf(record), callTool(1, "sleep", { ms: 2_000 }));
  const { url, token } = record.admin;
  const headers = { Authorization: `Bearer ${token}` };
  const open = async () => (await (await fetch(`${url}/status`, { headers })).json()).openRequests;
  await eventually(open, (count) => count === 1);
  const stopped = daemons.run("stop", "--grace", "1h");
  assert.match(JSON.stringify(await answer(await call)), /"slept":2000/);
  assert.equal((await stopped).code, 0);
});

Deno.test("logs prints the end of the log, and follows it over files that are full and over a restart", async () => {
  await using daemons = await Daemons.create();
  await daemons.start("--logMaxSize", "2k", "--logKeep", "50", ...SERVER);
  await daemons.run("health");
  await daemons.run("health");
  const two = await daemons.run("logs", "-n", "2");
  assert.equal(two.stdout.trimEnd().split("\n").length, 2);
  {
    await using follower = daemons.follow("logs", "-f", "-n", "1");
    await follower.printed(/\n/);
    for (let count = 0; count < 20; count++) await daemons.run("health");
    await eventually(
      () => Promise.resolve(follower.text().match(/path=\/status/g)?.length),
      (count) => count === 21,
    );
    await daemons.run("restart");
    await follower.printed(/Gateway stopped[^]*Gateway started/);
    Deno.kill(follower.pid, "SIGINT");
    assert.equal((await follower.status).code, 0);
  }
  assert(await hasFile(daemons.path("default.log.1")));
  const all = await daemons.run("logs", "-n", "1000");
  assert.equal(all.stdout.match(/Gateway started/g)?.length, 2);
  await daemons.run("stop");
  const after = await daemons.run("logs", "--lines", "1");
  assert.match(after.stdout, /Gateway stopped\n$/);
  const none = await daemons.run("logs", "--name", "none");
  assert.deepEqual([none.code, none.stdout], [1, ""]);
});

Deno.test("health has an exit code for scripts: by name, and by URL", async () => {
  await using daemons = await Daemons.create();
  assert.equal((await daemons.run("health")).code, 1);
  const record = await daemons.start(...SERVER);
  assert.deepEqual(await daemons.run("health"), { code: 0, stdout: "ok\n", stderr: "" });
  const { origin } = new URL(mcpOf(record));
  for (const url of [origin, `${origin}/health`]) {
    assert.deepEqual(await daemons.run("health", url), { code: 0, stdout: "ok\n", stderr: "" });
  }
  assert.deepEqual(await daemons.run("health", `${origin}/nothing`), {
    ...{ code: 1, stdout: `${origin} answers 404\n`, stderr: "" },
  });
  await daemons.run("stop");
  const dead = await daemons.run("health", origin);
  assert.equal(dead.code, 1);
  assert.match(dead.stdout, /does not answer/);
  assert.equal((await daemons.run("health", "nonsense")).code, 2);
});

Deno.test("commands find a gateway though the environment names a proxy", async () => {
  const env = { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" };
  await using daemons = await Daemons.create({ env });
  await daemons.start(...SERVER);
  assert.equal((await daemons.run("health")).code, 0);
  assert.match((await daemons.run("stop")).stdout, /^Stopped/);
});

Deno.test("each command has a help, and names a flag that it does not have", async (t) => {
  await using daemons = await Daemons.create();
  for (
    const command of [
      "start",
      "stop",
      "restart",
      "status",
      "logs",
      "health",
      "keys",
      "users",
      "show-key",
      "keypair",
    ]
  ) {
    await t.step(command, async () => {
      const help = await daemons.run(command, "--help");
      assert.deepEqual([help.code, help.stderr], [0, ""]);
      assert(help.stdout.startsWith(`Usage: keystone ${command} `));
      for (const line of help.stdout.split("\n")) assert(line.length <= 80, line);
      if (command === "restart") await daemons.start(...SERVER);
      const wrong = await daemons.run(command, "--nonsense");
      assert.equal(wrong.code, 2);
      assert.match(wrong.stderr, /^keystone: [^\n]*--nonsense[^\n]*\n$/);
      if (command === "restart") await daemons.run("stop");
    });
  }
});
