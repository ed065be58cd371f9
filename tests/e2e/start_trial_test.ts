/** The server is tried before anybody comes: one that cannot be started is told at once, and nothing is left of any. */
import assert from "node:assert/strict";
import { beginSse, inTime } from "../support/conversation.ts";
import { eventually, runKeystone, SCRIPTED, startKeystone, type StartOptions } from "../support/keystone.ts";
import { Bridge } from "../support/bridge.ts";
import { answer, beginSession, callTool, post, request } from "../support/rpc.ts";

const TRY = "--tryAtStart";

function startTrying(flags: readonly string[], options: StartOptions = {}) {
  return startKeystone([TRY, ...flags], { server: SCRIPTED, ...options });
}

const MODES: Readonly<Record<string, readonly string[]>> = {
  "one child for all": [],
  "one for all sessions": ["--stateful", "--children", "shared"],
  "one a session": ["--stateful"],
  "one a session, started ahead": ["--stateful", "--prewarm", "1"],
  "one a connection": ["--outputTransport", "sse,ws"],
  "one a request": ["--children", "request"],
  "one a request, started ahead": ["--children", "request", "--prewarm", "1"],
};

for (const [name, flags] of Object.entries(MODES)) {
  Deno.test(`${name}: a server that crashes at its start is told in one block, and the gateway serves on`, async () => {
    await using gateway = await startTrying(flags, { server: [...SCRIPTED, "--crash"] });
    await gateway.logged(/Keystone serves all the same/);
    const blocks = gateway.stderr().match(/^The MCP server cannot be started: .*(\n .*)*/gm);
    assert.equal(blocks?.length, 1);
    const [block = ""] = blocks!;
    assert.match(block, /^The MCP server cannot be started: .*scripted_server/);
    assert.match(block, /\n {2}The MCP server exited with code 3\n/);
    assert.match(block, /\n {2}Its last lines on stderr:\n {4}about to crash on purpose\n/);
    assert.match(block, /\n {2}What to try:\n {4}- /);
    const health = await fetch(`http://127.0.0.1:${gateway.port}/health`);
    assert.deepEqual([health.status, (await health.json()).status], [503, "degraded"]);
  });
}

Deno.test("the server that was tried answers the first caller, where all share it or it was started ahead", async () => {
  const cases = [
    { flags: MODES["one child for all"]!, label: "shared" },
    { flags: MODES["one a request, started ahead"]!, label: "warm-1" },
  ];
  for (const { flags, label } of cases) {
    await using gateway = await startTrying(flags);
    const [, pid] = (await gateway.logged(new RegExp(`Child started session=${label} pid=(\\d+)`)))
      .match(new RegExp(`session=${label} pid=(\\d+)`))!;
    // A handshake that has been answered.
    await gateway.logged(/Gateway started/);
    if (label !== "shared") await eventually(() => answeredBy(gateway.mcp), (by) => by === Number(pid));
    else assert.equal(await answeredBy(gateway.mcp), Number(pid));
    assert.doesNotMatch(gateway.stderr(), /cannot be started/);
  }
});

/** The pid of the child that answers a stateless call. */
async function answeredBy(url: string): Promise<number> {
  const { result } = await answer(await post(url, callTool(1, "echo")));
  return result.structuredContent.pid;
}

Deno.test("a server that is tried for nobody is stopped again, and the first session has one of its own", async () => {
  for (const flags of [["--stateful"], ["--outputTransport", "sse"], ["--children", "request"]]) {
    await using gateway = await startTrying(flags);
    await gateway.logged(/Child stopped session=trial .*code=0/);
    await eventually(() => gateway.children(), (children) => children.length === 0);
    assert.doesNotMatch(gateway.stderr(), /cannot be started|WRN|ERR/);
    if (!flags.includes("--stateful")) continue;
    const session = await beginSession(gateway.mcp);
    const { result } = await answer(await post(gateway.mcp, callTool(1, "seen"), { session }));
    assert.equal(result.structuredContent.lines, 3, "one handshake, and this call");
  }
});

Deno.test("a server that is silent, refuses, or cannot be run is told by that", async () => {
  const silent = [...SCRIPTED, "--silent"];
  const cases: [readonly string[], RegExp, RegExp][] = [
    [silent, /did not answer initialize within 50ms \(--startTimeout\)/, /it keeps silent: .*--startTimeout/],
    [
      [...SCRIPTED, "--refuse"],
      /The MCP server refused initialize: refused on purpose/,
      /run it by itself to see more: \S+ run -A \S+scripted_server.ts --refuse\n/,
    ],
    [["/bin/sh", "-c", "echo listening on 80; exit 0"], /exited with code 0/, /writes on stdout is no MCP/],
    [["/bin/sh", "-c", "exec /no/such/program"], /exited with code 127/, /a program is not there/],
  ];
  for (const flags of [[], ["--stateful"]]) {
    for (const [server, reason, advice] of cases) {
      const bounds = server === silent ? ["--startTimeout", "50ms"] : [];
      await using gateway = await startTrying([...flags, ...bounds], { server });
      const told = await gateway.logged(/Keystone serves all the same/);
      assert.match(told, reason);
      assert.match(told, advice);
    }
  }
});

Deno.test("a server that cannot be started is told as one line of JSON where the log is JSON", async () => {
  await using gateway = await startTrying(["--logFormat", "json"], { server: [...SCRIPTED, "--crash"] });
  const line =
    (await gateway.logged(/"event":"server.unstartable".*\n/)).match(/^.*server\.unstartable.*$/m)![0];
  const { event, reason, stderr, advice } = JSON.parse(line);
  assert.deepEqual([event, reason, stderr], [
    "server.unstartable",
    "The MCP server exited with code 3",
    ["about to crash on purpose"],
  ]);
  assert.equal(advice.length, 1);
  assert.doesNotMatch(gateway.stderr(), /^(?!\{).+/m);
});

Deno.test("--exitOnFailure ends a gateway whose server cannot be started, and no other", async () => {
  for (const flags of [[], ["--stateful"], ["--children", "request", "--prewarm", "1"]]) {
    const all = ["--port", "0", TRY, "--exitOnFailure", ...flags];
    const { code, stderr } = await runKeystone(all, { server: [...SCRIPTED, "--crash"] });
    assert.equal(code, 1);
    assert.match(stderr, /about to crash on purpose\n(.*\n)*.*Keystone ends \(--exitOnFailure\)/);
    assert.match(stderr, /keystone: failed: the MCP server cannot be started \(--exitOnFailure\)\n$/);
  }
  await using gateway = await startTrying(["--exitOnFailure"]);
  assert.deepEqual((await answer(await post(gateway.mcp, request(1, "ping")))).result, {});
  const { code, stderr } = await runKeystone(["--exitOnFailure", "--no-try-at-start"], { server: SCRIPTED });
  assert.equal(code, 2);
  assert.match(stderr, /^keystone: --exitOnFailure: expected --tryAtStart, which is off/);
});

Deno.test("a program that fetches the server first has a line that says so while nothing else is heard", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Goes on once the file is there.
    const script = `#!/bin/sh\nwhile [ ! -e '${folder}/fetched' ]; do sleep 0.05; done\nexec "$@"\n`;
    await Deno.writeTextFile(`${folder}/npx`, script, { mode: 0o755 });
    const env = { PATH: `${folder}:${Deno.env.get("PATH")}` };
    for (const flags of [[], ["--stateful"]]) {
      await using gateway = await startTrying(flags, { server: ["npx", ...SCRIPTED], env });
      await gateway.logged(/INF Waiting for the server to start .*reason="npx may be fetching the package"/);
      // The gateway serves meanwhile.
      const health = await fetch(`http://127.0.0.1:${gateway.port}/health`);
      assert.equal((await health.json()).status, "ok");
      await Deno.writeTextFile(`${folder}/fetched`, "");
      if (flags.length === 0) {
        assert.deepEqual((await answer(await post(gateway.mcp, request(1, "ping")))).result, {});
      } else await gateway.logged(/Child stopped session=trial/);
      assert.doesNotMatch(gateway.stderr(), /cannot be started/);
      await Deno.remove(`${folder}/fetched`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a gateway that is stopped while it tries its server leaves nothing behind, and tells of no failure", async () => {
  for (const flags of [[], ["--stateful"], ["--children", "request", "--prewarm", "1"]]) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      await using gateway = await startTrying([...flags, "--exitOnFailure", "--stopTimeout", "1ms"], {
        server: [...SCRIPTED, "--silent", "--ignore-term"],
      });
      const [, pid] = (await gateway.logged(/Child started session=\S+ pid=\d+/)).match(
        /Child started .*pid=(\d+)/,
      )!;
      gateway.signal(signal);
      const { code } = await inTime(gateway.status, "The end of the gateway");
      assert.equal(code, 0);
      assert.doesNotMatch(gateway.stderr(), /cannot be started|Internal fault/);
      assert.throws(() => Deno.kill(Number(pid), "SIGCONT"), Deno.errors.NotFound);
    }
  }
});

Deno.test("a server that is tried, or kept for nobody yet, makes room for who needs its place", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // The first one keeps silent.
    const server = [
      "/bin/sh",
      "-c",
      'mkdir "$0/first" 2>/dev/null && exec sleep 600; exec "$@"',
      folder,
      ...SCRIPTED,
    ];
    const bounds = ["--maxChildren", "1", "--queueTimeout", "596h"];
    {
      await using gateway = await startTrying(["--stateful", ...bounds], { server });
      await gateway.logged(/Child started session=trial/);
      const session = await inTime(beginSession(gateway.mcp), "A place");
      assert.deepEqual((await answer(await post(gateway.mcp, request(1, "ping"), { session }))).result, {});
    }
    await Deno.remove(`${folder}/first`);
    {
      await using gateway = await startTrying(bounds, { server });
      await gateway.logged(/Child started session=shared/);
      await using _ = await inTime(beginSse(gateway), "A place");
      assert.doesNotMatch(gateway.stderr(), /cannot be started/);
    }
    await using gateway = await startTrying(bounds);
    await gateway.logged(/Child started session=shared/);
    await using _ = await inTime(beginSse(gateway), "A place");
    // One that somebody uses gives way to nobody before its time.
    assert.equal((await gateway.children()).length, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("nothing is started before somebody comes with --no-try-at-start, nor twice for a client on stdin", async () => {
  const flags = ["--port", "0", "--no-try-at-start", "--idleExit", "100ms"];
  const { code, stderr } = await runKeystone(flags, { server: SCRIPTED });
  assert.equal(code, 0);
  assert.doesNotMatch(stderr, /Child started/);
  await using bridge = new Bridge([TRY, "--exitOnFailure", "--outputTransport", "stdio"], {
    server: SCRIPTED,
  });
  await bridge.begin();
  await bridge.logged(
    /WRN --exitOnFailure has no effect here: the server is started for the client on stdin alone/,
  );
  assert.equal(bridge.stderr.match(/Child started/g)?.length, 1);
});
