/** --exitWithParent and --idleExit: the gateway ends by itself when nobody is left who wants it. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { Bridge } from "../support/bridge.ts";
import { connect, type Wire } from "../support/clients.ts";
import {
  commandLine,
  descendants,
  eventually,
  type Keystone,
  leapUntil,
  SCRIPTED,
  startKeystone,
} from "../support/keystone.ts";
import { running } from "../support/processes.ts";
import { answer, beginSession, callTool, post } from "../support/rpc.ts";

const IDLE = { server: SCRIPTED, leapMs: 600_000 };

/** The end of a gateway that hears only after a while that nobody is connected. */
function leapUntilEnd(gateway: Keystone): Promise<Deno.CommandStatus> {
  return leapUntil({ leap: () => gateway.leap().catch(() => {}) }, gateway.status);
}

/** A gateway whose launcher is a shell that does nothing but wait for it. */
interface Launched extends AsyncDisposable {
  readonly gateway: number;
  readonly log: () => Promise<string>;
  readonly mcp: string;
  /** Ends the launcher as no process can prevent. */
  killLauncher(): Promise<void>;
}

async function launch(...flags: string[]): Promise<Launched> {
  const file = await Deno.makeTempFile();
  const args = commandLine(["--port", "0", ...flags], { server: SCRIPTED });
  const shell = new Deno.Command("/bin/sh", {
    // In the background its stdin is /dev/null, so that only the process table tells of the end of the launcher.
    args: ["-c", '"$@" >"$LOG" 2>&1 & wait', "sh", Deno.execPath(), ...args],
    env: { LOG: file, NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const log = () => Deno.readTextFile(file);
  const banner = await eventually(log, (text) => /\n}\n/.test(text));
  const [gateway = 0] = await descendants(shell.pid);
  return {
    gateway,
    log,
    mcp: /Streamable HTTP +(\S+)/.exec(banner)?.[1] ?? "",
    async killLauncher() {
      shell.kill("SIGKILL");
      await shell.status;
    },
    async [Symbol.asyncDispose]() {
      for (const pid of await running([gateway, shell.pid])) Deno.kill(pid, "SIGKILL");
      await shell.status;
      await Deno.remove(file);
    },
  };
}

Deno.test({
  name: "gateway stops in good order when the process that launched it is killed, with --exitWithParent",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using launched = await launch("--stateful", "--exitWithParent");
    const { gateway, mcp, log, killLauncher } = launched;
    const session = await beginSession(mcp);
    await answer(await post(mcp, callTool(1, "fork"), { session }));
    const processes = [gateway, ...await descendants(gateway)];
    assert.equal(processes.length, 3);
    await killLauncher();
    await inTime(eventually(() => running(processes), (left) => left.length === 0), "the end");
    assert.match(await log(), /Gateway is stopping reason="the parent process ended"/);
    assert.match(await log(), /Gateway stopped/);
  },
});

Deno.test({
  name: "gateway outlives the process that launched it without --exitWithParent",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using launched = await launch();
    const { gateway, mcp, killLauncher } = launched;
    await killLauncher();
    // Twice the time in which it would look; that nothing happens has no event.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.deepEqual(await running([gateway]), [gateway]);
    const { result } = await answer(await post(mcp, callTool(1, "echo")));
    assert.deepEqual(await running([result.structuredContent.pid]), [result.structuredContent.pid]);
    Deno.kill(gateway, "SIGTERM");
    const processes = [gateway, result.structuredContent.pid];
    await eventually(() => running(processes), (left) => left.length === 0);
  },
});

Deno.test("gateway that nobody connects to stops after --idleExit, counted from its start", async () => {
  await using keystone = await startKeystone(["--idleExit", "10m"], IDLE);
  await keystone.leap();
  const { code } = await inTime(keystone.status, "The end of the gateway");
  assert.equal(code, 0);
  const log = await keystone.logged(/Gateway stopped/);
  assert.match(log, /Gateway is stopping reason="nobody has been connected for 10m"/);
});

Deno.test("gateway is kept by the stream of a session, and stops --idleExit after its end, with its children", async () => {
  await using keystone = await startKeystone(["--stateful", "--idleExit", "10m"], IDLE);
  const { mcp } = keystone;
  const session = await beginSession(mcp);
  const children = await keystone.children();
  assert.equal(children.length, 1);
  const headers = { "Mcp-Session-Id": session, Accept: "text/event-stream" };
  const stream = await fetch(mcp, { headers });
  for (let leap = 0; leap < 2; leap++) await keystone.leap();
  const { result } = await answer(await post(mcp, callTool(1, "echo", { still: "here" }), { session }));
  assert.equal(result.structuredContent.still, "here");
  // The session is still there, and nobody is connected to it.
  await stream.body?.cancel();
  const { code } = await inTime(leapUntilEnd(keystone), "The end of the gateway");
  assert.equal(code, 0);
  assert.deepEqual(await running(children), []);
  assert.match(keystone.stderr(), /reason="nobody has been connected for 10m"/);
});

for (const wire of ["SSE", "WebSocket"] satisfies Wire[]) {
  Deno.test(`gateway is kept by a silent client over ${wire}, with --idleExit`, async () => {
    await using keystone = await startKeystone(["--idleExit", "10m"], IDLE);
    const { client, leave } = await connect(keystone, wire);
    for (let leap = 0; leap < 2; leap++) await keystone.leap();
    await client.ping();
    await leave();
    const { code } = await inTime(leapUntilEnd(keystone), "The end of the gateway");
    assert.equal(code, 0);
  });
}

Deno.test("gateway is kept by a stateless call that is open, and stops --idleExit after the answer", async () => {
  await using keystone = await startKeystone(["--idleExit", "10m"], IDLE);
  // Its first word comes at once, and its answer a while later.
  const response = await post(
    keystone.mcp,
    callTool(1, "sleep_loudly", { ms: 1_500 }, { progressToken: "p" }),
  );
  for (let leap = 0; leap < 2; leap++) await keystone.leap();
  assert.deepEqual((await answer(response)).result.structuredContent, { slept: 1_500 });
  const children = await keystone.children();
  assert.equal(children.length, 1);
  const { code } = await inTime(leapUntilEnd(keystone), "The end of the gateway");
  assert.equal(code, 0);
  assert.deepEqual(await running(children), []);
});

Deno.test("gateway is kept by the client on its stdin, with --idleExit", async () => {
  await using bridge = new Bridge(["--outputTransport", "stdio", "--idleExit", "300ms"], {
    server: SCRIPTED,
  });
  await bridge.begin();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.deepEqual((await bridge.call(1, "echo", { still: "here" })).result.structuredContent.still, "here");
  await bridge.end();
  assert.equal((await bridge.ended()).code, 0);
  assert.match(bridge.stderr, /Gateway is stopping reason="the client on stdin is done"/);
});
