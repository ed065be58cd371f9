/** Remotes behind a balancer that knows by a cookie which of its machines has a session. */
import assert from "node:assert/strict";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, post, request } from "../support/rpc.ts";
import { HttpRemote, politeAnswer, type Seen, SESSION, SseRemote } from "../support/scripted_remote.ts";

const SECRET = "s3cr3t";

/** The machine that a request is led to; none without a cookie. */
function machineOf({ headers }: Seen): string | undefined {
  return headers.get("cookie")?.match(/(?:^|; )route=s3cr3t(\d+)(?:;|$)/)?.[1];
}

/** A new machine for each session: whoever comes without its cookie, or with another one's, is nobody there. */
function balanced(): HttpRemote {
  let machines = 0;
  return new HttpRemote((seen) => {
    const { method, message, headers } = seen;
    if (message?.method === "initialize") {
      const machine = `${++machines}`;
      const set = `route=${SECRET}${machine}; Path=/; HttpOnly`;
      const own = { "Mcp-Session-Id": `${SESSION}-${machine}`, "Set-Cookie": set };
      return Response.json(politeAnswer(message), { headers: own });
    }
    if (headers.get("mcp-session-id") !== `${SESSION}-${machineOf(seen)}`) {
      return new Response("no such session", { status: 404 });
    }
    if (method !== "POST" || message.method !== "tools/call") return undefined;
    return Response.json({ jsonrpc: "2.0", id: message.id, result: { machine: machineOf(seen) } });
  });
}

Deno.test("bridge finds its session again behind a balancer that goes by a cookie, and logs no cookie", async () => {
  await using remote = balanced();
  await using bridge = new Bridge(["--streamableHttp", remote.url, ...QUICK_RETRY, "--logLevel", "debug"]);
  await bridge.begin();
  for (const id of [1, 2]) assert.deepEqual((await bridge.call(id)).result, { machine: "1" });
  await bridge.end();
  await bridge.ended();
  const goodbye = remote.requested("DELETE");
  assert.deepEqual(goodbye.map(machineOf), ["1"]);
  assert.equal(remote.posted("initialize").length, 1);
  assert.doesNotMatch(bridge.stderr + bridge.lines.join("\n"), /s3cr3t/);
});

Deno.test("bridge begins a session anew without the cookie of the one that was lost", async () => {
  await using remote = balanced();
  await using bridge = new Bridge(["--streamableHttp", remote.url, ...QUICK_RETRY]);
  await bridge.begin();
  assert.deepEqual((await bridge.call(1)).result, { machine: "1" });
  let lost = false;
  const usual = remote.script;
  remote.script = (seen) => {
    if (machineOf(seen) !== "1") return usual(seen);
    lost = true;
    return new Response("no such session", { status: 404 });
  };
  assert.deepEqual((await bridge.call(2)).result, { machine: "2" });
  assert.equal(lost, true);
  assert.deepEqual(remote.posted("initialize").map(machineOf), [undefined, undefined]);
});

Deno.test("keystone keeps the cookies of each session to itself", async () => {
  await using remote = balanced();
  const flags = ["--stateful", "--outputTransport", "streamableHttp"];
  await using keystone = await startKeystone([...flags, "--streamableHttp", remote.url]);
  const sessions = [await beginSession(keystone.mcp), await beginSession(keystone.mcp)];
  const call = async (session: string | undefined) =>
    (await answer(await post(keystone.mcp, callTool(1, "where"), { session }))).result.machine;
  const [a, b] = [await call(sessions[0]), await call(sessions[1])];
  assert.deepEqual([a, b].toSorted(), ["1", "2"]);
  assert.deepEqual([await call(sessions[0]), await call(sessions[1])], [a, b]);
});

Deno.test("bridge posts to the machine that has its SSE stream", async () => {
  await using remote: SseRemote = new SseRemote((seen) => {
    if (seen.method !== "GET") return machineOf(seen) ? undefined : new Response("who?", { status: 404 });
    const { response } = remote.open("/message?session=1", { "Set-Cookie": `route=${SECRET}7; Path=/` });
    return response;
  });
  await using bridge = new Bridge(["--sse", remote.url, ...QUICK_RETRY]);
  await bridge.begin();
  assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
});

Deno.test("bridge answers a call although no session lasts, as behind a balancer that knows none", async () => {
  await using remote = new HttpRemote(({ method, message }) =>
    method === "POST" && message.method !== "initialize"
      ? new Response("no such session", { status: 404 })
      : undefined
  );
  const flags = ["--streamableHttp", remote.url, ...QUICK_RETRY, "--retryAttempts", "2"];
  await using bridge = new Bridge(flags);
  await bridge.begin();
  const { error } = await bridge.call(1);
  assert.match(error.message, /^The MCP server has ended the session|answered HTTP 404/);
});

Deno.test("bridge takes the cookie of a redirect along, beside its own, and to no other origin", async () => {
  await using foreign = new HttpRemote();
  await using remote = new HttpRemote((seen) => {
    const { url, message } = seen;
    if (message?.params?.name === "far") {
      return new Response(null, { status: 307, headers: { Location: foreign.url } });
    }
    if (url.pathname !== "/mcp" || machineOf(seen)) return undefined;
    return new Response(null, {
      status: 307,
      headers: { Location: "/mcp", "Set-Cookie": `route=${SECRET}1` },
    });
  });
  const own = ["--header", "Cookie: key=hunter2; route=old"];
  await using bridge = new Bridge(["--streamableHttp", remote.url, ...QUICK_RETRY, ...own]);
  await bridge.begin();
  await bridge.ask(request(1, "ping"));
  const cookies = remote.posted("ping").map(({ headers }) => headers.get("cookie"));
  assert.deepEqual(cookies, [`key=hunter2; route=${SECRET}1`]);
  await bridge.call(2, "far");
  assert.deepEqual(foreign.posted("far").map(({ headers }) => headers.get("cookie")), [null]);
});
