/** Remotes that mean well and are not quite right, or are older than their URL says, seen by their clients. */
import assert from "node:assert/strict";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, initialize, post } from "../support/rpc.ts";
import {
  events,
  EventStream,
  HttpRemote,
  politeAnswer,
  type Script,
  type Seen,
  SseRemote,
} from "../support/scripted_remote.ts";

const INITIALIZED = { jsonrpc: "2.0", method: "notifications/initialized" };
const LIST_CHANGED = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };

function bridgeTo(...flags: string[]): Bridge {
  return new Bridge([...flags, ...QUICK_RETRY, "--shutdownTimeout", "100ms"]);
}

/** What a server of the older transport answers to who posts to its stream. */
const POSTED_TO_STREAM: Readonly<Record<string, () => Response>> = {
  ...Object.fromEntries(
    [400, 404, 405, 406, 415, 422].map((status) => [`HTTP ${status}`, () => new Response("no", { status })]),
  ),
  "the stream itself": () =>
    new EventStream().write("event: endpoint\ndata: /message?session=posted\n\n").response,
  "HTTP 202 alone": () => new Response("Accepted", { status: 202 }),
};

for (const [name, answered] of Object.entries(POSTED_TO_STREAM)) {
  Deno.test(`bridge to a bare URL finds the older transport behind ${name}, without a warning`, async () => {
    await using remote = new SseRemote(({ method, url }) =>
      method === "POST" && url.pathname === "/sse" ? answered() : undefined
    );
    await using bridge = bridgeTo(remote.url);
    // All at once, as clients do that read a file.
    const all = [initialize(1), INITIALIZED, callTool(2, "echo", { n: 2 })];
    await bridge.send(all.map((message) => JSON.stringify(message)).join("\n"));
    assert.equal((await bridge.answer(1)).result.serverInfo.name, "remote");
    assert.deepEqual((await bridge.answer(2)).result.structuredContent, { n: 2 });
    const heard = remote.requested("POST").filter(({ url }) => url.pathname === "/message");
    assert.deepEqual(heard.map(({ message }) => message), all);
    await bridge.logged(/INF Found out which wire the server speaks .*wire=sse/);
    assert.doesNotMatch(bridge.stderr, /WRN|ERR/);
  });
}

Deno.test("bridge says where a remote of the older transport wants another flag", async () => {
  await using remote = new SseRemote(({ method, url }) =>
    method === "POST" && url.pathname === "/sse" ? POSTED_TO_STREAM["the stream itself"]!() : undefined
  );
  await using bridge = bridgeTo("--streamableHttp", remote.url);
  assert.match((await bridge.ask(initialize(1))).error.message, /it speaks the older transport \(--sse\)$/);
});

Deno.test("bridge hears what a remote says right after the handshake, on a stream that is there by then", async () => {
  const own = new EventStream();
  let open = false;
  await using remote = new HttpRemote(({ method, message }) => {
    if (method === "GET") {
      open = true;
      return own.response;
    }
    // Kept for nobody.
    if (message?.method === INITIALIZED.method && open) own.say(LIST_CHANGED);
    return undefined;
  });
  await using bridge = bridgeTo("--streamableHttp", remote.url);
  await bridge.begin();
  await bridge.next(({ method }) => method === LIST_CHANGED.method);
  assert.deepEqual(remote.seen.map(({ method, message }) => message?.method ?? method), [
    "initialize",
    "GET",
    "notifications/initialized",
  ]);
});

/** A server that answers on its own stream alone, and says of a request that it was taken. */
function elsewhere(taken: () => Response): Script {
  const own = new EventStream();
  return ({ method, message }: Seen) => {
    if (method === "GET") return own.response;
    if (message?.id === undefined || message.method === "initialize") return undefined;
    own.say(politeAnswer(message));
    return taken();
  };
}

for (
  const [name, taken] of [
    ["takes requests with HTTP 202", () => new Response(null, { status: 202 })],
    ["ends the streams of requests at once", () => events("")],
  ] as const
) {
  Deno.test(`a remote that ${name} and answers on its own stream is understood, and told of once`, async () => {
    for (const flags of [[], ["--stateful"]]) {
      await using remote = new HttpRemote(elsewhere(taken));
      await using gateway = await startKeystone([
        ...["--streamableHttp", remote.url, "--outputTransport", "streamableHttp"],
        ...flags,
      ]);
      const session = flags.length > 0 ? await beginSession(gateway.mcp) : undefined;
      const calls = [1, "1", 2].map((id) =>
        post(gateway.mcp, callTool(id, "echo", { id }), { session }).then(answer)
      );
      const answers = await Promise.all(calls);
      assert.deepEqual(answers.map(({ id, result }) => [id, result.structuredContent]), [
        [1, { id: 1 }],
        ["1", { id: "1" }],
        [2, { id: 2 }],
      ]);
      assert.equal(
        (await gateway.logged(/WRN/)).match(/WRN Server does not keep to the protocol/g)?.length,
        1,
      );
    }
  });
}

Deno.test("a remote that answers GET with a page is asked once a session, and told of once", async () => {
  await using remote = new HttpRemote(({ method }) =>
    method === "GET"
      ? new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } })
      : undefined
  );
  await using gateway = await startKeystone([
    ...["--streamableHttp", remote.url, "--outputTransport", "streamableHttp", "--stateful"],
    ...QUICK_RETRY,
  ]);
  for (const id of [1, 2]) {
    const session = await beginSession(gateway.mcp);
    const { result } = await answer(await post(gateway.mcp, callTool(id, "echo", { id }), { session }));
    assert.deepEqual(result.structuredContent, { id });
    assert.equal(remote.requested("GET").length, id);
  }
  await gateway.logged(/WRN/);
  const warnings = gateway.stderr().match(/WRN.*/g) ?? [];
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /what it says by itself cannot be heard: .* HTTP 200 with an HTML page/);
});

Deno.test("bridge gives the reason of a refusal that names no request", async () => {
  const error = { code: -32000, message: "Bad Request: not today" };
  await using remote = new HttpRemote(({ message }) =>
    message?.params?.name === "refused"
      ? Response.json({ jsonrpc: "2.0", error, id: null }, { status: 400 })
      : undefined
  );
  await using bridge = bridgeTo("--streamableHttp", remote.url);
  await bridge.begin();
  assert.deepEqual((await bridge.call(1, "refused")).error, error);
});
