/** Requests as people and their libraries send them, where the letter of a page is stricter than its reason. */
import assert from "node:assert/strict";
import { SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, initialize, post, request } from "../support/rpc.ts";

const BOTH = "application/json, text/event-stream";

/** Without the header where that is undefined: `fetch` adds one that says anything. */
async function postAccepting(url: string, body: unknown, accept: string, session?: string) {
  const response = await post(url, body, { session, headers: { Accept: accept } });
  return { status: response.status, said: await answer(response) };
}

async function gzipped(text: string, format: CompressionFormat = "gzip"): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream(format));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

function postPacked(url: string, body: BodyInit, encoding = "gzip"): Promise<Response> {
  const headers = { "Content-Type": "application/json", Accept: BOTH, "Content-Encoding": encoding };
  return fetch(url, { method: "POST", headers, body });
}

/** Bytes as they come, their number not announced. */
function inChunks(bytes: Uint8Array<ArrayBuffer>): ReadableStream {
  return new Blob([bytes]).stream();
}

Deno.test("a POST whose Accept is absent, empty, or says anything is answered as one that names both types", async () => {
  for (const flags of [["--stateful"], []]) {
    await using gateway = await startKeystone(flags, { server: SCRIPTED });
    const session = flags.length > 0 ? await beginSession(gateway.mcp) : undefined;
    for (
      const accept of ["", "*/*", "application/*", "*/*;q=0.8", "text/html, */*;q=0.1", `Text/*, ${BOTH}`]
    ) {
      const { status, said } = await postAccepting(
        gateway.mcp,
        callTool(1, "echo", { accept }),
        accept,
        session,
      );
      assert.equal(status, 200, accept);
      assert.deepEqual([said.id, said.result.structuredContent.accept], [1, accept]);
    }
  }
});

Deno.test("a reply mode asks for the types alone that it answers with, and 406 names what would do", async () => {
  const cases = [
    { mode: "auto", enough: [BOTH], refused: ["application/json", "text/event-stream"], named: BOTH },
    {
      mode: "json",
      enough: [BOTH, "application/json"],
      refused: ["text/event-stream"],
      named: "application/json",
    },
    {
      mode: "sse",
      enough: [BOTH, "text/event-stream"],
      refused: ["application/json"],
      named: "text/event-stream",
    },
  ];
  for (const { mode, enough, refused, named } of cases) {
    await using gateway = await startKeystone(["--replyMode", mode], { server: SCRIPTED });
    for (const accept of enough) {
      const { status, said } = await postAccepting(gateway.mcp, request(1, "ping"), accept);
      assert.deepEqual([status, said.result], [200, {}], `${mode} ${accept}`);
    }
    for (const accept of [...refused, "text/html", "application/json;q=0, text/event-stream;q=0"]) {
      const { status, said } = await postAccepting(gateway.mcp, request(1, "ping"), accept);
      assert.equal(status, 406, `${mode} ${accept}`);
      assert.equal(said.error.message, `Not Acceptable: send Accept: ${named} (or */*)`);
    }
  }
});

Deno.test("a GET whose Accept says anything opens the stream, and one that asks for JSON is told what would do", async () => {
  await using gateway = await startKeystone(["--stateful"], { server: SCRIPTED });
  const session = await beginSession(gateway.mcp);
  const get = (Accept: string) => fetch(gateway.mcp, { headers: { Accept, "Mcp-Session-Id": session } });
  for (const accept of ["", "*/*", "text/*", "text/event-stream"]) {
    const response = await get(accept);
    assert.equal(response.status, 200, accept);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    await response.body?.cancel();
  }
  const refused = await get("application/json");
  assert.equal(refused.status, 406);
  assert.match((await refused.json()).error.message, /send Accept: text\/event-stream \(or \*\/\*\)/);
});

Deno.test("an Mcp-Session-Id or a Last-Event-ID that is empty counts as none", async () => {
  await using gateway = await startKeystone(["--stateful"], { server: SCRIPTED });
  const headers = { "Mcp-Session-Id": "" };
  const begun = await post(gateway.mcp, initialize(0), { headers });
  assert.equal((await answer(begun)).result.serverInfo.name, "scripted");
  const session = begun.headers.get("mcp-session-id");
  assert(session);
  const without = await post(gateway.mcp, request(1, "ping"), { headers });
  assert.equal(without.status, 400);
  assert.match((await answer(without)).error.message, /Mcp-Session-Id header is required/);
  const stream = await fetch(gateway.mcp, {
    headers: { "Mcp-Session-Id": session, "Last-Event-ID": "", Accept: "text/event-stream" },
  });
  assert.equal(stream.status, 200);
  await stream.body?.cancel();
  const named = await fetch(`http://127.0.0.1:${gateway.port}/message?sessionId=`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
  });
  assert.deepEqual([named.status, (await named.json()).error.message], [400, "Missing sessionId parameter"]);
});

Deno.test("packed bodies are read, announced or in chunks, small or large", async () => {
  await using gateway = await startKeystone([], { server: SCRIPTED });
  for (const [encoding, format] of [["gzip", "gzip"], ["X-GZIP", "gzip"], ["deflate", "deflate"]] as const) {
    for (const text of ["ä", "x".repeat(200_000)]) {
      const packed = await gzipped(JSON.stringify(callTool(1, "echo", { text })), format);
      for (const body of [packed, inChunks(packed)]) {
        const { result } = await answer(await postPacked(gateway.mcp, body, encoding));
        assert.equal(result.structuredContent.text, text);
      }
    }
  }
  const plain = JSON.stringify(request(1, "ping"));
  assert.deepEqual((await answer(await postPacked(gateway.mcp, plain, "identity"))).result, {});
});

Deno.test("a packed body is bounded by what it unpacks to, and what cannot be unpacked is refused by its reason", async () => {
  await using gateway = await startKeystone(["--maxBodySize", "64k", "--maxBodiesInFlight", "128k"], {
    server: SCRIPTED,
  });
  const refusals: [number, RegExp, BodyInit, string][] = [
    [413, /the limit is 65536 bytes/, await gzipped(" ".repeat(50 * 1024 * 1024)), "gzip"],
    [400, /is no gzip/, "{}", "gzip"],
    [400, /is no gzip/, (await gzipped(JSON.stringify(request(1, "ping")))).slice(0, -4), "gzip"],
    [415, /Content-Encoding must be gzip or deflate, or left out/, "{}", "br"],
    [415, /Content-Encoding/, "{}", "gzip, gzip"],
  ];
  for (const [status, reason, body, encoding] of refusals) {
    const refused = await postPacked(gateway.mcp, body, encoding);
    assert.equal(refused.status, status);
    assert.match((await answer(refused)).error.message, reason);
    if (status === 415) assert.equal(refused.headers.get("accept-encoding"), "gzip, deflate");
  }
  assert.deepEqual(await gateway.children(), []);
  // All that was counted is given back.
  for (let time = 0; time < 3; time++) {
    const packed = await gzipped(JSON.stringify(request(1, "ping")) + " ".repeat(60 * 1024));
    assert.deepEqual((await answer(await postPacked(gateway.mcp, packed))).result, {});
  }
});

Deno.test("2024-10-07 passes through where client and server agree on it", async () => {
  const old = "2024-10-07";
  await using gateway = await startKeystone(["--stateful"], { server: [...SCRIPTED, `--version=${old}`] });
  const begun = await post(gateway.mcp, initialize(0, old));
  const session = begun.headers.get("mcp-session-id") ?? undefined;
  assert.equal((await answer(begun)).result.protocolVersion, old);
  const headers = { "MCP-Protocol-Version": old };
  assert.deepEqual(
    (await answer(await post(gateway.mcp, request(1, "ping"), { session, headers }))).result,
    {},
  );
});
