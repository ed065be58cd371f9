/** Remotes that close connections which nobody has used for a while, in the very moment in which one is used again. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { Certificates, FOR_LOOPBACK, hasOpenssl } from "../support/certificates.ts";
import { RefusingHttp2, type Verdict } from "../support/refusing_http2.ts";
import { politeAnswer, toolOf } from "../support/scripted_remote.ts";

/** From the moment on at which it is tired of its connections, whatever comes on one of them finds it closed. */
async function impatientServer() {
  const connections = new Set<Socket>();
  const tiring = new WeakSet<Socket>();
  const server = createServer(async (request, response) => {
    if (tiring.has(request.socket)) return request.socket.destroy();
    const message = JSON.parse(await textOf(request) || "null");
    if (request.method === "GET") response.writeHead(405).end();
    else if (message?.id === undefined) response.writeHead(202).end();
    else {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify(politeAnswer(message)));
    }
  });
  server.on("connection", (socket) => connections.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    tire: () => connections.forEach((socket) => tiring.add(socket)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += piece;
  return text;
}

Deno.test("bridge uses no connection again that a server may be about to close", async () => {
  await using server = await impatientServer();
  await using bridge = new Bridge(["--streamableHttp", server.url]);
  await bridge.begin();
  assert.deepEqual((await bridge.call("first", "echo", { n: 0 })).result.structuredContent, { n: 0 });
  server.tire();
  // More than the default of --remoteIdleTimeout, and less than any server is known to wait.
  await new Promise((resolve) => setTimeout(resolve, 1_900));
  const ids = Array.from({ length: 20 }, (_, id) => id);
  const answers = await Promise.all(ids.map((n) => bridge.call(n, "echo", { n })));
  assert.deepEqual(answers.map(({ result }) => result?.structuredContent), ids.map((n) => ({ n })));
});

/** The first call is treated so, all else answered. */
function onceEach(verdict: Verdict): (message: { id?: unknown }) => Verdict {
  const judged = new Set<unknown>();
  return (message) => {
    if (toolOf(message) === undefined || judged.has(message.id)) return "answer";
    judged.add(message.id);
    return verdict;
  };
}

for (const verdict of ["refuse", "goAway"] as const) {
  Deno.test(`bridge sends again at once what a server over HTTP/2 says it has not read: ${verdict}`, {
    ignore: !hasOpenssl,
  }, async () => {
    await using files = await Certificates.begin();
    const tls = await files.make({ extensions: FOR_LOOPBACK });
    await using remote = new RefusingHttp2(tls, onceEach(verdict));
    await using bridge = new Bridge(["--streamableHttp", remote.url, "--caFile", tls.file]);
    await bridge.begin();
    for (const n of [1, 2]) {
      assert.deepEqual((await bridge.call(n, "echo", { n })).result?.structuredContent, { n });
    }
    assert.deepEqual(remote.messages.filter(toolOf).map(({ id }) => id), [1, 1, 2, 2]);
    assert.doesNotMatch(bridge.stderr, /WRN/);
  });
}

Deno.test("bridge gives up what is refused again and again, after so many tries", {
  ignore: !hasOpenssl,
}, async () => {
  await using files = await Certificates.begin();
  const tls = await files.make({ extensions: FOR_LOOPBACK });
  await using remote = new RefusingHttp2(tls, (message) => toolOf(message) ? "refuse" : "answer");
  const flags = ["--caFile", tls.file, ...QUICK_RETRY, "--retryAttempts", "1"];
  await using bridge = new Bridge(["--streamableHttp", remote.url, ...flags]);
  await bridge.begin();
  const { error } = await bridge.call(1);
  assert.equal(error.message, `${remote.url} refused the request before it read it`);
  assert.equal(remote.messages.filter(toolOf).length, 4);
});

Deno.test("bridge sends nothing again that a server over HTTP/2 has taken before it ended", {
  ignore: !hasOpenssl,
}, async () => {
  await using files = await Certificates.begin();
  const tls = await files.make({ extensions: FOR_LOOPBACK });
  await using remote = new RefusingHttp2(tls, onceEach("goAwayLate"));
  await using bridge = new Bridge(["--streamableHttp", remote.url, "--caFile", tls.file]);
  await bridge.begin();
  assert.match((await bridge.call(1)).error.message, /broke before the answer came; .* not sent again$/);
  assert.deepEqual(remote.messages.filter(toolOf).map(({ id }) => id), [1]);
});
