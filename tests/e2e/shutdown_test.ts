/** How the gateway ends: what it finishes first, how long it waits, and that nothing is left of what it started. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { connect, ListRootsRequestSchema, type Wire, WIRES } from "../support/clients.ts";
import {
  commandLine,
  descendants,
  eventually,
  type Keystone,
  SCRIPTED,
  startKeystone,
} from "../support/keystone.ts";
import { running } from "../support/processes.ts";
import { rawRequest, upgradeRequest } from "../support/raw_http.ts";
import { openEventStream, RawStream } from "../support/raw_stream.ts";
import { ACCEPT, answer, beginSession, callTool, initialize, post } from "../support/rpc.ts";

const STOPPING = /Gateway is stopping/;

/** A client with a call under way, which ends when the client says so. */
interface Call {
  readonly result: Promise<unknown>;
  finish(): void;
  leave(): Promise<void>;
}

/** Settles when the server is at work on the call: it asks the client back, and answers after the client did. */
async function beginCall(keystone: Keystone, wire: Wire): Promise<Call> {
  const asked = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  const { client, leave } = await connect(keystone, wire, {
    capabilities: { roots: {} },
    prepare: (client) =>
      client.setRequestHandler(ListRootsRequestSchema, async () => {
        asked.resolve();
        await finished.promise;
        return { roots: [] };
      }),
  });
  const call = client.callTool({ name: "ask", arguments: { id: 1, method: "roots/list" } });
  // Looked at later: until then a rejection must not count as unhandled.
  call.catch(() => {});
  await asked.promise;
  const result = call.then(({ structuredContent }) => structuredContent);
  result.catch(() => {});
  return { result, finish: finished.resolve, leave };
}

/** The exit code, once the gateway has ended and nothing is left of `children`. */
async function ended(gateway: Pick<Keystone, "status">, children: readonly number[]): Promise<number> {
  const { code } = await inTime(gateway.status, "The end of the gateway");
  assert.deepEqual(await running(children), []);
  return code;
}

Deno.test("gateway that is told to stop finishes open calls and refuses new ones with 503", async () => {
  await using keystone = await startKeystone(["--stateful", "--shutdownTimeout", "10m"], {
    server: SCRIPTED,
  });
  const { mcp, sse, port } = keystone;
  const session = await beginSession(mcp);
  const calls = await Promise.all(WIRES.map((wire) => beginCall(keystone, wire)));
  const children = await keystone.children();
  assert.equal(children.length, 4);

  keystone.signal("SIGTERM");
  await keystone.logged(STOPPING);
  await keystone.logged(/ waitsFor=\["tools\/call ask \(for [^"]+","tools\/call ask .* waitMs=600000\n/);
  const refusals = [
    await post(mcp, initialize("i")),
    await post(mcp, callTool("c", "echo"), { session }),
    await fetch(sse),
  ];
  for (const [at, id] of ["i", "c", null].entries()) {
    assert.equal(refusals[at]!.status, 503);
    assert.deepEqual(await refusals[at]!.json(), {
      jsonrpc: "2.0",
      id,
      error: { code: -32000, message: "The gateway is shutting down" },
    });
  }
  using upgrade = await rawRequest(port, upgradeRequest("/ws"));
  assert.equal(upgrade.status, 503);

  for (const { result, finish, leave } of calls) {
    finish();
    assert.deepEqual(await result, { reply: { jsonrpc: "2.0", id: 1, result: { roots: [] } } });
    await leave();
  }
  assert.equal(await ended(keystone, children), 0);
});

Deno.test("gateway answers a call that does not end with an error once the time for it is over", async () => {
  await using keystone = await startKeystone(["--stateful", "--shutdownTimeout", "300ms"], {
    server: SCRIPTED,
  });
  const calls = await Promise.all(WIRES.map((wire) => beginCall(keystone, wire)));
  const children = await keystone.children();
  const since = performance.now();
  keystone.signal("SIGTERM");
  for (const { result } of calls) {
    await assert.rejects(result, /MCP error -32000: The gateway is shutting down/);
  }
  const waitedMs = performance.now() - since;
  assert(waitedMs >= 300, `${waitedMs}`);
  for (const { leave } of calls) await leave();
  assert.equal(await ended(keystone, children), 0);
});

Deno.test("gateway answers the open calls of stateless clients as well", async () => {
  await using keystone = await startKeystone(["--shutdownTimeout", "10m", "--replyMode", "sse"], {
    server: SCRIPTED,
    leapMs: 600_000,
  });
  await answer(await post(keystone.mcp, callTool(0, "echo")));
  // Its head has come, so the call is open.
  const hanging = await post(keystone.mcp, callTool("h", "hang"));
  const sleeping = await post(keystone.mcp, callTool("s", "sleep", { ms: 100 }));
  const children = await keystone.children();
  keystone.signal("SIGTERM");
  await keystone.logged(STOPPING);
  assert.deepEqual((await answer(sleeping)).result.structuredContent, { slept: 100 });
  await keystone.leap();
  assert.equal((await answer(hanging)).error.message, "The gateway is shutting down");
  assert.equal(await ended(keystone, children), 0);
});

Deno.test("gateway ends what its servers have started, and kills what ignores SIGTERM", async () => {
  const stubborn = [...SCRIPTED, "--ignore-term"];
  await using keystone = await startKeystone(["--stateful", "--stopTimeout", "300ms"], { server: stubborn });
  const session = await beginSession(keystone.mcp);
  const { result } = await answer(await post(keystone.mcp, callTool(1, "fork"), { session }));
  const children = await keystone.children();
  assert(children.includes(result.structuredContent.pid));
  assert.equal(children.length, 2);
  const since = performance.now();
  keystone.signal("SIGTERM");
  assert.equal(await ended(keystone, children), 0);
  assert(performance.now() - since >= 300);
  assert.match(keystone.stderr(), /Gateway stopped/);
});

Deno.test("gateway stops at once at a second signal, whatever it was waiting for", async () => {
  const stubborn = [...SCRIPTED, "--ignore-term"];
  const flags = ["--stateful", "--stopTimeout", "10m", "--shutdownTimeout", "10m"];
  await using keystone = await startKeystone(flags, { server: stubborn });
  await using _idle = await connect(keystone, "WebSocket");
  const call = await beginCall(keystone, "SSE");
  const children = await keystone.children();
  assert.equal(children.length, 2);
  keystone.signal("SIGTERM");
  await keystone.logged(STOPPING);
  // For half a second a second signal would be an echo of the first; there is no event for its end.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.deepEqual(await running(children), children);
  keystone.signal("SIGTERM");
  assert.equal(await ended(keystone, []), 0);
  // Killed, but not waited for.
  await eventually(() => running(children), (left) => left.length === 0);
  await call.leave();
});

Deno.test("gateway takes two signals in a row for one, as launchers hand them on", async () => {
  await using keystone = await startKeystone(["--stateful", "--shutdownTimeout", "10m"], {
    server: SCRIPTED,
  });
  const { result, finish, leave } = await beginCall(keystone, "Streamable HTTP");
  const children = await keystone.children();
  keystone.signal("SIGINT");
  keystone.signal("SIGINT");
  keystone.signal("SIGTERM");
  await keystone.logged(STOPPING);
  const refused = await post(keystone.mcp, initialize());
  assert.equal(refused.status, 503);
  await refused.body?.cancel();
  finish();
  assert.notEqual(await result, undefined);
  await leave();
  assert.equal(await ended(keystone, children), 0);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`gateway stops at ${signal} without a trace`, async () => {
    await using keystone = await startKeystone(["--stateful"], { server: SCRIPTED });
    await beginSession(keystone.mcp);
    await using _idle = await connect(keystone, "WebSocket");
    const children = await keystone.children();
    assert.equal(children.length, 2);
    keystone.signal(signal);
    await keystone.logged(new RegExp(`${STOPPING.source} reason=${signal}`));
    assert.equal(await ended(keystone, children), 0);
  });
}

Deno.test("gateway does not wait for a client that has ceased to read", async () => {
  await using keystone = await startKeystone(["--shutdownTimeout", "1s"], { server: SCRIPTED });
  const { stream, endpoint } = await openEventStream(keystone);
  using _ = stream;
  // Far more than the sockets hold; it goes on while the gateway waits for the answer.
  const flood = callTool(1, "progress", { steps: 200_000 }, { progressToken: "p" });
  for (const body of [initialize(), flood]) await (await post(endpoint, body)).text();
  await stream.read(/notifications\/progress/);
  const children = await keystone.children();
  assert.equal(children.length, 1);
  keystone.signal("SIGTERM");
  assert.equal(await ended(keystone, children), 0);
  assert.match(keystone.stderr(), /Gateway is stopping: .* reason=SIGTERM openRequests=1/);
});

Deno.test("gateway does not wait for a client that has ceased to send", async () => {
  await using keystone = await startKeystone([], { server: SCRIPTED });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: keystone.port });
  const head = [
    `POST ${new URL(keystone.mcp).pathname} HTTP/1.1`,
    `Host: 127.0.0.1:${keystone.port}`,
    "Content-Type: application/json",
    `Accept: ${ACCEPT}`,
    "Content-Length: 100",
    "Expect: 100-continue",
  ];
  await connection.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n`));
  // The gateway says so when it begins to read the body, of which only a part comes.
  await new RawStream({ connection, body: "" }).read(/^HTTP\/1.1 100 /);
  await connection.write(new TextEncoder().encode('{"jsonrpc":'));
  keystone.signal("SIGTERM");
  assert.equal(await ended(keystone, []), 0);
});

Deno.test("gateway stops when its launcher closes the pipe to stdin, and not before", async () => {
  const gateway = new Deno.Command(Deno.execPath(), {
    args: commandLine(["--port", "0", "--outputTransport", "ws"], { server: SCRIPTED }),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(gateway.stderr).text();
  const url = await firstMatch(gateway.stdout, /ws:\S+/);
  const { client, leave } = await connect({ mcp: "", sse: "", ws: url }, "WebSocket");
  const children = await descendants(gateway.pid);
  assert.equal(children.length, 1);
  const stdin = gateway.stdin.getWriter();
  await stdin.write(new TextEncoder().encode("what a launcher says means nothing\n"));
  await client.ping();
  await stdin.close();
  assert.equal(await ended(gateway, children), 0);
  assert.match(await stderr, /Gateway is stopping reason="stdin was closed"/);
  await leave();
});

async function firstMatch(stream: ReadableStream<Uint8Array<ArrayBuffer>>, pattern: RegExp): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    // Followed by more, so it is whole.
    const [found] = pattern.exec(text.slice(0, text.lastIndexOf("\n") + 1)) ?? [];
    if (found) return found;
  }
  throw new Error(`The output ended without ${pattern}:\n${text}`);
}
