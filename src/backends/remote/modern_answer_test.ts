import assert from "node:assert/strict";
import type { Undelivered } from "../../core/channel.ts";
import { nobody } from "../../../tests/support/loopback.ts";
import { MODERN, modern, modernRig } from "../../../tests/support/modern_rig.ts";
import { FarEnd } from "../../../tests/support/far_end.ts";
import { EventStream, json, remoteOptions } from "../../../tests/support/loopback.ts";
import { failure, result } from "../../../tests/support/messages.ts";
import { sseBackend } from "./sse.ts";
import { streamableBackend } from "./streamable.ts";

const FOREIGN: Undelivered = { again: "never", why: "foreign" };
const { signal } = new AbortController();

function rpc(status: number, error: unknown, id: unknown = 1): Response {
  return new Response(JSON.stringify({ jsonrpc: "2.0", id, error }), {
    status,
    headers: { "Content-Type": "application/json" },
  });
}

function plain(status: number, body = "", headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers });
}

/** What a request of this method comes to with this answer: the code of the error, and the verdict. */
async function outcome(method: string, answer: () => Response) {
  await using it = await modernRig(answer);
  it.client.say(modern(1, method));
  const { message, undelivered, relatesTo } = await it.client.next();
  assert.equal(relatesTo, 1);
  assert("id" in message && message.id === 1);
  const { again, why } = undelivered ?? {};
  const code = "error" in message ? message.error.code : "result" in message ? "result" : undefined;
  return { code, verdict: again && [again, why].filter((word) => word !== undefined).join(" ") };
}

async function outcomes(method: string, cases: readonly [() => Response, unknown, string | undefined][]) {
  for (const [answer, code, verdict] of cases) {
    const seen = await outcome(method, answer);
    assert.deepEqual(seen, { code, verdict }, `${answer}`);
  }
}

Deno.test("modern discovers a server of its era by its answer, and by the errors that no other server has", async () => {
  await outcomes("server/discover", [
    [() => json(result(1)), "result", undefined],
    [() => rpc(400, { code: -32022, message: "m", data: { supported: ["2099-01-01"] } }), -32022, undefined],
    [() => rpc(400, { code: -32020, message: "m" }), -32020, undefined],
    [() => rpc(400, { code: -32021, message: "m" }, null), -32021, undefined],
    [() => rpc(200, { code: -32022, message: "m" }), -32022, undefined],
    [() => rpc(400, { code: -32602, message: "Missing _meta" }), -32602, undefined],
    [
      () =>
        rpc(400, { code: -32602, message: "m", data: { key: "io.modelcontextprotocol/clientCapabilities" } }),
      -32602,
      undefined,
    ],
    [() => rpc(404, { code: -32601, message: "Method not found" }), -32601, undefined],
  ]);
});

Deno.test("modern discovers that a server is of another era, or none, by whatever else it answers", async () => {
  const refusals: [() => Response, unknown][] = [
    [() => plain(400), -32603],
    [() => plain(404, "Cannot POST /"), -32603],
    [() => plain(405, "no", { Allow: "GET" }), -32603],
    [() => plain(406), -32603],
    [() => rpc(400, { code: -32000, message: "Bad Request: Server not initialized" }, null), -32000],
    [() => rpc(400, { code: -32000, message: "Bad Request: No valid session ID provided" }), -32603],
    [() => rpc(400, { code: -32602, message: "Invalid params" }), -32602],
    [() => rpc(404, { code: -32001, message: "Session not found" }), -32603],
    [() => rpc(200, { code: -32601, message: "Method not found" }), -32601],
    [() => rpc(200, { code: -32602, message: "Invalid request parameters" }), -32602],
    [() => new EventStream(`data: ${JSON.stringify(failure(1, "m", -32601))}\n\n`).response, -32601],
  ];
  await outcomes("server/discover", refusals.map(([answer, code]) => [answer, code, "never foreign"]));
  // Nobody has taken the request, whatever answered it.
  await outcomes("server/discover", [
    [() => plain(200, "<html>", { "Content-Type": "text/html" }), -32603, "later foreign"],
    [() => plain(202), -32603, "later foreign"],
    [() => new EventStream("event: endpoint\ndata: /message\n\n").response, -32603, "later foreign"],
  ]);
});

Deno.test("modern discovers nothing by what says nothing about the era", async () => {
  await outcomes("server/discover", [
    [() => plain(401), -32603, "never"],
    [() => rpc(403, { code: -32000, message: "m" }), -32603, "never"],
    [() => plain(429), -32603, "later"],
    [() => plain(500), -32603, "later"],
    [() => rpc(500, { code: -32603, message: "Internal error" }), -32603, "later"],
    [() => rpc(500, { code: -32602, message: "_meta" }), -32603, "later"],
    [() => plain(502, "<html>", { "Content-Type": "text/html" }), -32603, "later"],
    [() => plain(503), -32603, "later busy"],
    [() => plain(307, "", { Location: "ftp://x" }), -32603, "later redirected"],
    [() => json(result(2)), -32603, "later"],
    [() => json(result(1, "x".repeat(200_000))), -32000, "later"],
    [() => endedStream(), -32603, "later"],
  ]);
  const channel = await streamableBackend(remoteOptions(nobody())).open(MODERN, signal);
  const client = new FarEnd(channel);
  client.say(modern(1, "server/discover"));
  assert.deepEqual((await client.next()).undelivered, { again: "later", afterMs: undefined, why: undefined });
  await channel[Symbol.asyncDispose]();
});

Deno.test("modern gives the server's own error to the request that it names, whatever status carries it", async () => {
  await outcomes("x", [
    [() => rpc(404, { code: -32601, message: "m" }), -32601, undefined],
    [() => rpc(400, { code: -32022, message: "m" }), -32022, undefined],
    [() => rpc(400, { code: -32602, message: "m" }), -32602, undefined],
    [() => rpc(404, { code: -32602, message: "m" }, "1"), -32602, undefined],
    [() => rpc(409, { code: 5, message: "m" }), 5, undefined],
    [() => rpc(500, { code: -32603, message: "m" }), -32603, undefined],
    [() => rpc(200, { code: -32601, message: "m" }), -32601, undefined],
  ]);
});

Deno.test("modern says of every other refusal whether the request was taken, and whether another try may help", async () => {
  await outcomes("x", [
    [() => plain(400), -32603, "never foreign"],
    [() => plain(404), -32603, "never foreign"],
    [() => plain(405), -32603, "never foreign"],
    [() => rpc(400, { code: -32700, message: "m" }, null), -32700, "never foreign"],
    [() => plain(401), -32603, "never"],
    [() => rpc(403, { code: -32000, message: "m" }), -32603, "never"],
    [() => rpc(429, { code: -32000, message: "m" }), -32603, "later"],
    [() => plain(503, "", { "Retry-After": "1" }), -32603, "later busy"],
    [() => plain(500), -32603, undefined],
    [() => plain(202), -32603, undefined],
    [() => endedStream(), -32603, undefined],
  ]);
});

Deno.test("modern gives the text of an error as it came", async () => {
  const body = '{ "jsonrpc":"2.0", "id":1, "error":{"code":-32601,"message":"m","data":1e2} }';
  await using it = await modernRig(() => plain(404, body, { "Content-Type": "application/json" }));
  it.client.say(modern(1, "x"));
  assert.equal((await it.client.next()).text, body);
});

Deno.test("SSE carries nothing of the modern era, says so without asking the server, and is no evidence of it", async () => {
  const url = nobody();
  const channel = await sseBackend(remoteOptions(url)).open(MODERN, signal);
  const client = new FarEnd(channel);
  client.say(modern(1, "server/discover"));
  const { message, undelivered } = await client.next();
  const why = `${url} is spoken to over the older transport (--sse), which carries nothing of 2026-07-28`;
  assert.deepEqual([message, undelivered], [failure(1, why, -32603), FOREIGN]);
  await channel[Symbol.asyncDispose]();
  assert.deepEqual(await client.rest(), { messages: [], error: undefined });
});

function endedStream(): Response {
  const stream = new EventStream(":\n\n");
  stream.end();
  return stream.response;
}
