/** Remote servers that need no handshake, and those that do, behind the gateway as stdio clients of both eras have it. */
import assert from "node:assert/strict";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { startKeystone } from "../support/keystone.ts";
import { modern } from "../support/modern_rig.ts";
import { answer, type AnyMessage, post } from "../support/rpc.ts";
import {
  HttpRemote,
  onTool,
  type Seen,
  SseRemote,
  toolOf,
  WebSocketRemote,
} from "../support/scripted_remote.ts";
import { sdkRemote } from "../support/sdk_remote.ts";

const ELICITS = { "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } } };

function call(id: number, name: string, args: unknown = {}, meta: Record<string, unknown> = {}) {
  return modern(id, "tools/call", { name, arguments: args, _meta: meta });
}

Deno.test("bridge has clients of 2026-07-28 speak to a server of theirs, however its wire was found", async () => {
  for (const flags of [["--streamableHttp"], []]) {
    await using remote = sdkRemote();
    await using bridge = new Bridge([...flags, remote.url.href]);
    const discovered = await bridge.ask(modern(1, "server/discover"));
    assert.deepEqual(discovered.result.supportedVersions, ["2026-07-28"]);
    const called = await bridge.ask(call(2, "sql", { region: "Zürich", limit: { rows: 3 } }));
    assert.deepEqual(called.result.content, [{ type: "text", text: "Zürich" }]);
    const asked = await bridge.ask(call(3, "ask", {}, ELICITS));
    assert.equal(asked.result.resultType, "input_required");
    assert.equal((await bridge.ask(modern(4, "nope"))).error.code, -32601);
    await bridge.send(call(5, "wait", {}, { progressToken: "p" }));
    const { params } = await bridge.next(({ method }) => method === "notifications/progress");
    assert.equal(params.progressToken, "p");
    await bridge.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 5 } });
    await remote.cancelled;
    assert.deepEqual(new Set(remote.asked.map(({ method }) => method)), new Set(["POST"]));
  }
});

Deno.test("bridge has clients with a handshake speak to a server that has none, however its wire was found", async () => {
  for (const flags of [["--streamableHttp"], []]) {
    await using remote = sdkRemote();
    await using bridge = new Bridge([...flags, remote.url.href]);
    const { result } = await bridge.begin("init", { elicitation: {} });
    assert.deepEqual([result.protocolVersion, result.serverInfo.name], ["2025-11-25", "sdk"]);
    const called = await bridge.call(2, "sql", { region: "eu", limit: { rows: 1 } });
    assert.deepEqual(called.result.content, [{ type: "text", text: "eu" }]);
    await bridge.send({
      jsonrpc: "2.0",
      id: 3,
      method: "tools/call",
      params: { name: "ask", arguments: {} },
    });
    const question = await bridge.next(({ method }) => method === "elicitation/create");
    const answer = { action: "accept", content: { name: "Ada" } };
    await bridge.send({ jsonrpc: "2.0", id: question.id, result: answer });
    assert.deepEqual((await bridge.answer(3)).result.content, [{ type: "text", text: "Ada" }]);
    const tools = await bridge.ask({ jsonrpc: "2.0", id: 4, method: "tools/list" } as AnyMessage);
    assert.deepEqual(tools.result.tools.map(({ name }: AnyMessage) => name), ["sql", "wait", "ask"]);
    assert.deepEqual(new Set(remote.asked.map(({ method }) => method)), new Set(["POST"]));
  }
});

Deno.test("bridge has clients of 2026-07-28 speak to servers that need a handshake, over every wire", async () => {
  const remotes = [
    [[], new HttpRemote()],
    [["--streamableHttp"], new HttpRemote()],
    [[], new SseRemote()],
    [["--sse"], new SseRemote()],
    [["--ws"], new WebSocketRemote()],
  ] as const;
  for (const [flags, opened] of remotes) {
    await using remote = opened;
    await using bridge = new Bridge([...flags, remote.url]);
    const called = await bridge.ask(call(1, "echo", { a: 1 }));
    assert.deepEqual(
      [called.result?.structuredContent, called.result?.resultType],
      [{ a: 1 }, "complete"],
      flags.join(),
    );
    // What it is called with is of its own era.
    for (const { headers } of remote.seen.slice(-1)) assert.equal(headers.get("mcp-method"), null);
  }
});

Deno.test("gateway takes a refusal that says nothing of the era for no sign of one", async () => {
  for (const status of [401, 500, 503]) {
    let refuses = true;
    await using remote = new HttpRemote(({ message }) => {
      if (refuses) return new Response("no", { status });
      const { id, method } = message;
      const result = method === "server/discover"
        ? { supportedVersions: ["2026-07-28"], capabilities: {}, resultType: "complete" }
        : { content: [], resultType: "complete" };
      return Response.json({ jsonrpc: "2.0", id, result });
    });
    await using gateway = await startKeystone([
      ...["--streamableHttp", remote.url, "--outputTransport", "streamableHttp"],
      ...QUICK_RETRY,
    ]);
    const headers = {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "echo",
    };
    const ask = async (id: number) => await answer(await post(gateway.mcp, call(id, "echo"), { headers }));
    const { error } = await ask(1);
    assert.match(error.message, new RegExp(`answered HTTP ${status}`));
    assert.deepEqual(remote.posted("initialize"), [], `${status}`);
    refuses = false;
    assert.deepEqual((await ask(2)).result?.content, [], `${status}`);
    assert.deepEqual(remote.posted("initialize"), []);
  }
});

Deno.test("a remote with sessions is told the end of each that a request of 2026-07-28 has had, and what is taken back", async () => {
  const waiting = Promise.withResolvers<void>();
  await using remote = new HttpRemote(onTool("wait", async () => {
    await waiting.promise;
    return new Response(null, { status: 204 });
  }));
  const flags = ["--children", "request", "--serverEra", "legacy", "--outputTransport", "streamableHttp"];
  await using gateway = await startKeystone([...flags, "--streamableHttp", remote.url]);
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" };
  const ask = (name: string, { signal } = new AbortController()) =>
    post(gateway.mcp, call(1, name), { headers: { ...headers, "mcp-name": name }, signal });
  assert.deepEqual((await answer(await ask("echo"))).result.resultType, "complete");
  const isEnd = ({ method }: Seen) => method === "DELETE";
  assert((await remote.sees(isEnd)).headers.has("mcp-session-id"));
  const leaving = new AbortController();
  const left = assert.rejects(ask("wait", leaving));
  const { message: { id } } = await remote.sees(({ message }) => toolOf(message) === "wait");
  leaving.abort();
  await left;
  const { message } = await remote.sees(({ message }) => message?.method === "notifications/cancelled");
  assert.equal(message.params.requestId, id);
  await remote.sees((seen) => isEnd(seen) && remote.requested("DELETE").length === 2);
  waiting.resolve();
});
