/** What is refused says so to whom it concerns: the asker of a request, the page behind a browser, an older client. */
import assert from "node:assert/strict";
import { beginSocket, beginSse, openSocket, openSse } from "../support/conversation.ts";
import { type Keystone, runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { rawRequest, upgradeRequest } from "../support/raw_http.ts";
import { allMessages, answer, beginSession, callTool, initialize, post, request } from "../support/rpc.ts";

const PAGE = "https://app.example";

Deno.test("a second initialize is refused over SSE and WebSocket, and the session goes on", async () => {
  await using gateway = await startKeystone([], { server: SCRIPTED });
  for (const begin of [beginSse, beginSocket]) {
    await using client = await begin(gateway);
    await client.send(initialize(1));
    const { id, error } = await client.next();
    assert.deepEqual([id, error], [1, {
      code: -32600,
      message: "Invalid Request: the session is already initialized",
    }]);
    await client.send(callTool(2, "seen"));
    const { result: { structuredContent: { lines } } } = await client.next();
    assert.equal(lines, 3, "initialize, initialized, and this call");
  }
});

Deno.test("an initialize that failed may be tried again over SSE and WebSocket", async () => {
  await using gateway = await startKeystone([], { server: [...SCRIPTED, "--refuse"] });
  for (const open of [openSse, openSocket]) {
    await using client = await open(gateway);
    for (const id of [0, 1]) {
      await client.send(initialize(id));
      const { id: answered, error } = await client.next();
      assert.deepEqual([answered, error.message], [id, "refused on purpose"]);
    }
  }
});

/** A plain request, and an upgrade. */
async function bothWays(
  gateway: Keystone,
  headers: Record<string, string>,
  upgrade: Record<string, string> = {},
) {
  using plain = await rawRequest(gateway.port, { path: "/health", headers });
  using socket = await rawRequest(gateway.port, upgradeRequest("/ws", { ...headers, ...upgrade }));
  return [plain, socket].map(({ status, headers }) => ({
    status,
    origin: headers.get("access-control-allow-origin"),
    exposed: headers.get("access-control-expose-headers"),
  }));
}

Deno.test("a refusal of the guard, or of an upgrade, can be read by a page that --cors lets in, and by no other", async () => {
  await using gateway = await startKeystone(["--cors", PAGE], { server: SCRIPTED });
  const exposed =
    "Mcp-Session-Id,MCP-Protocol-Version,WWW-Authenticate,Retry-After,RateLimit,RateLimit-Policy";
  const foreign = { Host: "evil.example", Origin: PAGE };
  for (const refused of await bothWays(gateway, foreign)) {
    assert.deepEqual(refused, { status: 403, origin: PAGE, exposed });
  }
  const [, old] = await bothWays(gateway, { Origin: PAGE }, { "Sec-WebSocket-Version": "8" });
  assert.deepEqual(old, { status: 426, origin: PAGE, exposed });
  for (const { status, origin } of await bothWays(gateway, { Origin: "https://evil.example" })) {
    assert.deepEqual([status, origin], [403, null]);
  }
  const preflight = { ...foreign, "Access-Control-Request-Method": "POST" };
  using asked = await rawRequest(gateway.port, { method: "OPTIONS", path: "/mcp", headers: preflight });
  assert.equal(asked.status, 403);
});

Deno.test("a WebSocket of another version than 13 is told 426 and which one is spoken, whatever else it lacks", async () => {
  await using gateway = await startKeystone([], { server: SCRIPTED });
  for (const [version, key] of [["8", "dGhlIHNhbXBsZSBub25jZQ=="], ["0", ""], ["", ""], ["13, 8", "x"]]) {
    const headers = { "Sec-WebSocket-Version": version!, "Sec-WebSocket-Key": key! };
    using refused = await rawRequest(gateway.port, upgradeRequest("/ws", headers));
    assert.deepEqual([refused.status, refused.headers.get("sec-websocket-version")], [426, "13"], version);
    assert.equal(refused.headers.get("upgrade"), "websocket");
  }
});

Deno.test("origins that are no host of the web are let in by name: null, a scheme, and an app's own", async () => {
  const cases = [
    { named: "null", allowed: ["null"], refused: ["file://", "https://null", "nullx"] },
    { named: "file://", allowed: ["file://"], refused: ["null", "files://"] },
    {
      named: "vscode-webview://",
      allowed: ["vscode-webview://1p0i8u8k", "vscode-webview://0abc.def"],
      refused: ["vscode-webview", "https://vscode-webview", "xvscode-webview://a"],
    },
    {
      named: "vscode-webview://1p0i8u8k",
      allowed: ["vscode-webview://1p0i8u8k"],
      refused: ["vscode-webview://x"],
    },
  ];
  for (const { named, allowed, refused } of cases) {
    for (const flag of ["--allowedOrigin", "--cors"]) {
      await using gateway = await startKeystone([flag, named], { server: SCRIPTED });
      for (const origin of allowed) {
        const told = flag === "--cors" ? origin : null;
        const [plain, socket] = await bothWays(gateway, { Origin: origin });
        assert.deepEqual(
          [plain!.status, plain!.origin, socket!.status],
          [200, told, 101],
          `${flag} ${origin}`,
        );
      }
      for (const origin of refused) {
        const statuses = (await bothWays(gateway, { Origin: origin })).map(({ status }) => status);
        assert.deepEqual(statuses, [403, 403], `${flag} ${origin}`);
      }
      const warned = /WRN --(cors|allowedOrigin) null: .*any site/.test(gateway.stderr());
      assert.equal(warned, named === "null");
    }
  }
  await using gateway = await startKeystone([], { server: SCRIPTED });
  for (const origin of ["null", "file://"]) {
    await bothWays(gateway, { Origin: origin });
    await gateway.logged(new RegExp(`--allowedOrigin ${origin} lets it in`));
  }
  for (const origin of ["https://", "http://"]) {
    const { code } = await runKeystone(["--allowedOrigin", origin], { server: SCRIPTED });
    assert.equal(code, 2);
  }
});

Deno.test("the host of --baseUrl is an allowed Host, whatever its port, and no other is", async () => {
  await using gateway = await startKeystone(["--baseUrl", "https://Mcp.Example:8443/at"], {
    server: SCRIPTED,
  });
  const statusesOf = async (Host: string) => (await bothWays(gateway, { Host })).map(({ status }) => status);
  for (const host of ["mcp.example", "mcp.example:8443", "MCP.example:1"]) {
    assert.deepEqual(await statusesOf(host), [200, 101], host);
  }
  for (const host of ["example", "x.mcp.example"]) assert.deepEqual(await statusesOf(host), [403, 403], host);
});

Deno.test("a refused version names the request that it refuses, and starts nothing", async () => {
  for (const flags of [["--stateful"], []]) {
    await using gateway = await startKeystone(flags, { server: SCRIPTED });
    const headers = { "MCP-Protocol-Version": "1999-01-01" };
    for (const id of [7, "seven"]) {
      const refused = await post(gateway.mcp, request(id, "ping"), { headers });
      assert.equal(refused.status, 400);
      const message = await answer(refused);
      assert.equal(message.id, id);
      assert.match(message.error.message, /Unsupported protocol version: "1999-01-01"/);
    }
    assert.deepEqual(await gateway.children(), []);
  }
});

Deno.test("a call that is cancelled ends with an error that says so, on a stream as in JSON, in a batch as alone", async () => {
  for (const replyMode of ["auto", "sse", "json"]) {
    await using gateway = await startKeystone(["--stateful", "--replyMode", replyMode], { server: SCRIPTED });
    const session = await beginSession(gateway.mcp);
    const send = (message: unknown) => post(gateway.mcp, message, { session });
    let looks = 0;
    // What the child has read beside our looking.
    const reads = async (lines: number) => {
      for (let read = 0; read < lines;) {
        const { result } = await answer(await send(callTool("look", "seen")));
        read = result.structuredContent.lines - ++looks;
      }
    };
    const cancel = async (requestId: unknown) => {
      const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } };
      await (await send(cancelled)).body?.cancel();
    };
    const ended = (id: unknown) => ({
      jsonrpc: "2.0",
      id,
      error: { code: -32800, message: "Request cancelled" },
    });
    // Its stream has begun by then, where there is one.
    const begun = send(callTool(1, "begin", {}, { progressToken: 1 }));
    await reads(3);
    await cancel(1);
    assert.deepEqual((await allMessages(await begun)).at(-1), ended(1));
    const batch = send([callTool(2, "hang"), callTool(3, "hang")]);
    await reads(6);
    for (const id of [2, 3]) await cancel(id);
    assert.deepEqual(await allMessages(await batch), [ended(2), ended(3)]);
  }
});
