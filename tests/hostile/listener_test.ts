/** Who comes too often, says too little or says it strangely: others are served, and each slow one is ended. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { descriptorsOf } from "../support/descriptors.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { openEventStream } from "../support/raw_stream.ts";
import { rawRequest, sendRaw, upgradeRequest } from "../support/raw_http.ts";
import { ACCEPT, answer, callTool, post } from "../support/rpc.ts";

const LINUX = Deno.build.os === "linux";
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const PING = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
const POST_HEADERS = { "Content-Type": "application/json", Accept: ACCEPT };

/** Each call on a connection of its own, which the gateway must take. */
async function serves({ port }: Keystone): Promise<void> {
  const headers = { ...POST_HEADERS, Connection: "close" };
  const call = rawRequest(port, { method: "POST", path: "/mcp", headers, body: PING });
  using served = await inTime(call, "answer");
  assert.equal(served.status, 200, served.body);
}

function connect({ port }: Keystone): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** Settles when the other end has closed the connection. */
async function closed(connection: Deno.Conn): Promise<void> {
  const bytes = new Uint8Array(1024);
  try {
    while (await connection.read(bytes) !== null);
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}

/** All that comes until the other end closes the connection. */
async function textOf(connection: Deno.Conn): Promise<string> {
  const chunks = await Array.fromAsync(connection.readable.pipeThrough(new TextDecoderStream()));
  return chunks.join("");
}

async function exchange(gateway: Keystone, text: string): Promise<string> {
  const connection = await connect(gateway);
  await connection.write(encoder.encode(text));
  return await inTime(textOf(connection), "the end of the connection");
}

Deno.test({
  name: "a gateway that ran out of file descriptors takes connections again when there are some",
  ignore: !LINUX,
  async fn() {
    const launcher = ["prlimit", "--nofile=300:300"];
    await using gateway = await startKeystone(["--maxConnections", "100000"], { server: SCRIPTED, launcher });
    await gateway.logged(/WRN --maxConnections 100000 is more than the limit of open files leaves/);
    await serves(gateway);
    const crowd = await Promise.all(Array.from({ length: 400 }, () => connect(gateway)));
    await inTime(gateway.logged(/Nobody can connect/), "trouble");
    for (const connection of crowd) connection.close();
    await inTime(gateway.logged(/Clients can connect again/), "recovery");
    await serves(gateway);
  },
});

Deno.test({
  name: "what goes through the runtime's own server is answered again after it had no file descriptor",
  ignore: !LINUX,
  async fn() {
    await using gateway = await startKeystone([], { server: SCRIPTED });
    const before = descriptorsOf(gateway.pid);
    const { text, answers } = STRANGE["HTTP/1.0"]!;
    assert.match(await exchange(gateway, text), answers);
    // One is for the server itself.
    const rest = () =>
      eventually(() => Promise.resolve(descriptorsOf(gateway.pid)), (count) => count <= before + 1);
    // One for the connection, and too few for both ends of that within.
    for (const left of [1, 2]) {
      await limitDescriptors(gateway, await rest() + left);
      const connection = await connect(gateway);
      await connection.write(encoder.encode(text));
      await inTime(closed(connection), "the end of the connection");
      connection.close();
      await limitDescriptors(gateway, 1_000);
      assert.match(await exchange(gateway, text), answers, `${left} left`);
    }
    assert.doesNotMatch(gateway.stderr(), /Internal fault/);
  },
});

/** The soft limit, which can be raised again. */
async function limitDescriptors({ pid }: Keystone, limit: number): Promise<void> {
  const { success } = await new Deno.Command("prlimit", {
    args: ["--pid", `${pid}`, `--nofile=${limit}:`],
  }).output();
  assert(success);
}

Deno.test({
  name: "a gateway bounds its connections by its file descriptors, and idle ones give way to newcomers",
  ignore: !LINUX,
  async fn() {
    const launcher = ["prlimit", "--nofile=300:300"];
    await using gateway = await startKeystone([], { server: SCRIPTED, launcher });
    const crowd = await Promise.all(Array.from({ length: 400 }, () => connect(gateway)));
    await eventually(() => serves(gateway).then(() => true, () => false), (served) => served);
    assert.doesNotMatch(gateway.stderr(), /Nobody can connect/);
    for (const connection of crowd) connection.close();
  },
});

Deno.test("a gateway whose connections are all at work tells newcomers to come again", async () => {
  await using gateway = await startKeystone(["--maxConnections", "2"], { server: SCRIPTED });
  const streams = [await openEventStream(gateway), await openEventStream(gateway)];
  using refused = await rawRequest(gateway.port, { path: "/health" });
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "5");
  assert.match(refused.body, /Too many connections: the limit is 2 \(--maxConnections\)/);
  for (const { stream } of streams) stream[Symbol.dispose]();
  await eventually(() => serves(gateway).then(() => true, () => false), (served) => served);
});

/** What a slow client says before it falls silent, and what it goes on to say, byte by byte. */
const SLOW: Readonly<Record<string, { begins: string; trickles?: string }>> = {
  "says nothing": { begins: "" },
  "stops within a head": { begins: "POST /mcp HTTP/1.1\r\nHost: a" },
  "sends a head byte by byte": { begins: "POST /mcp HTTP/1.1\r\nX: ", trickles: "x" },
  "stops before the last line of a head": { begins: "GET /health HTTP/1.1\r\nHost: localhost\r\n" },
  "stops within the preface of HTTP/2": { begins: "PRI * HTTP/2.0\r\n\r\nSM" },
};

for (const [what, { begins, trickles }] of Object.entries(SLOW)) {
  Deno.test(`a client that ${what} is ended, and holds up nobody`, async () => {
    await using gateway = await startKeystone(["--headerTimeout", "300ms"], { server: SCRIPTED });
    const slow = await Promise.all(Array.from({ length: 50 }, () => connect(gateway)));
    await Promise.all(slow.map((connection) => connection.write(encoder.encode(begins))));
    const trickle = trickles !== undefined && setInterval(() => {
      for (const connection of slow) connection.write(encoder.encode(trickles)).catch(() => {});
    }, 20);
    await serves(gateway);
    await inTime(Promise.all(slow.map(closed)), "end of all slow ones");
    if (trickle) clearInterval(trickle);
    for (const connection of slow) connection.close();
    await inTime(gateway.logged(/Connection dropped.*--headerTimeout/), "log");
    await serves(gateway);
  });
}

Deno.test("a connection that is kept without a request is ended, one with an open stream is not", async () => {
  const flags = ["--idleTimeout", "300ms", "--keepAlive", "100ms"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED });
  const { stream } = await openEventStream(gateway);
  const kept = [
    // Answered by the gateway, and then by the runtime.
    await rawRequest(gateway.port, { method: "POST", path: "/mcp", headers: POST_HEADERS, body: PING }),
    await rawRequest(gateway.port, { path: "/health" }),
  ];
  for (const { connection } of kept) {
    await connection.write(encoder.encode("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    await inTime(closed(connection), "end of an idle connection");
    connection.close();
  }
  // Ten signs of life are three times as long.
  await inTime(stream.read(/(?::[^\n]*\n\n[^:]*){10}/), "signs of life");
  stream[Symbol.dispose]();
});

Deno.test("a client that asks many times at once and reads no answer is ended", async () => {
  await using gateway = await startKeystone(["--stallTimeout", "300ms", "--idleTimeout", "300ms"], {
    server: SCRIPTED,
  });
  // Answers that are not held for their client one by one, and are more together than the system holds.
  const body = JSON.stringify(callTool(1, "large", { bytes: 60_000 }));
  const head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
    `Accept: ${ACCEPT}\r\nContent-Length: ${body.length}\r\n\r\n`;
  // What comes with the first head is answered without the runtime.
  const connection = await connect(gateway);
  const sending = connection.write(encoder.encode(`${head}${body}`.repeat(300)));
  await inTime(gateway.logged(/Connection dropped.*--stallTimeout/), "end of the connection");
  connection.close();
  await sending.catch(() => {});
  await serves(gateway);
});

Deno.test("a head over --maxHeaderSize is refused, one that is none too", async () => {
  await using gateway = await startKeystone(["--maxHeaderSize", "2k"], { server: SCRIPTED });
  const long = `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(3000)}\r\n\r\n`;
  assert.match(
    await exchange(gateway, long),
    /^HTTP\/1\.1 431 .*the limit is 2048 bytes \(--maxHeaderSize\)/s,
  );
  for (const junk of ["GET\r\n\r\n", "\x16\x03\x01\x02\n\n", "GET / HTTP/1.1\r\n folded: yes\r\n\r\n"]) {
    assert.match(await exchange(gateway, junk), /^HTTP\/1\.1 400 /, JSON.stringify(junk));
  }
  await serves(gateway);
});

const POST_FIELDS = `Host: localhost\r\nContent-Type: application/json\r\nAccept: ${ACCEPT}\r\n`;

/** The fields that ask for another protocol. */
function wish(protocol: string, ...connection: readonly string[]): string {
  const members = ["Upgrade", "HTTP2-Settings", ...connection].join(", ");
  return `Connection: ${members}\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n`;
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
}

/** Requests that clients make and we do not read ourselves, or not in the usual way; all end with their connection. */
const STRANGE: Readonly<Record<string, { text: string; answers: RegExp }>> = {
  "a wish for HTTP/2 in clear, with each request of a connection": {
    text: `GET /health HTTP/1.1\r\nHost: localhost\r\n${wish("h2c")}\r\n` +
      `POST /mcp HTTP/1.1\r\n${POST_FIELDS}${wish("h2c")}Content-Length: ${PING.length}\r\n\r\n${PING}` +
      `GET /health HTTP/1.1\r\nHost: localhost\r\n${wish("h2c", "close")}\r\n`,
    answers:
      /^HTTP\/1\.1 200 .*"status":"ok".*HTTP\/1\.1 200 .*"result":\{\}.*HTTP\/1\.1 200 .*"status":"ok"/s,
  },
  "a wish for HTTP/2 in clear, through a proxy that has all its requests wish for something": {
    text: "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\n\r\n" +
      `POST /mcp HTTP/1.1\r\n${POST_FIELDS}${
        wish("h2c", "close")
      }Content-Length: ${PING.length}\r\n\r\n${PING}`,
    answers: /^HTTP\/1\.1 200 .*"status":"ok".*HTTP\/1\.1 200 .*"result":\{\}/s,
  },
  "a wish for HTTP/2 in clear, and the end of the connection": {
    text: `GET /health HTTP/1.1\r\nHost: localhost\r\n${wish("h2c", "close")}\r\n`.repeat(2),
    answers: /^HTTP\/1\.1 200 (?!.*HTTP\/1\.1)/s,
  },
  "a wish for HTTP/2 in clear, with a body in chunks": {
    text: `POST /mcp HTTP/1.1\r\n${POST_FIELDS}${wish("h2c")}Transfer-Encoding: chunked\r\n\r\n${
      chunk(PING)
    }`,
    answers: /^HTTP\/1\.1 200 .*"result":\{\}/s,
  },
  "a wish for HTTP/2 in clear, and for 100 Continue": {
    text: `POST /mcp HTTP/1.1\r\n${POST_FIELDS}${wish("h2c")}Expect: 100-continue\r\n` +
      `Content-Length: ${PING.length}\r\n\r\n${PING}`,
    answers: /^HTTP\/1\.1 100 .*HTTP\/1\.1 200 .*"result":\{\}/s,
  },
  "a wish for TLS, and for a WebSocket where there is none": {
    text:
      `POST /mcp HTTP/1.1\r\n${POST_FIELDS}${wish("TLS/1.3")}Content-Length: ${PING.length}\r\n\r\n${PING}` +
      `POST /mcp HTTP/1.1\r\n${POST_FIELDS}${
        wish("websocket", "close")
      }Content-Length: ${PING.length}\r\n\r\n` +
      PING,
    answers: /^HTTP\/1\.1 200 .*"result":\{\}.*HTTP\/1\.1 200 .*"result":\{\}/s,
  },
  "HTTP/1.0": {
    text: "GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n",
    answers: /^HTTP\/1\.[01] 200 .*"status":"ok"/s,
  },
  "a body in chunks": {
    text: `POST /mcp HTTP/1.1\r\n${POST_FIELDS}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${
      chunk(PING)
    }`,
    answers: /^HTTP\/1\.1 200 .*"result":\{\}/s,
  },
  "an Expect": {
    text: `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: ${ACCEPT}\r\n` +
      `Content-Length: ${PING.length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n${PING}`,
    answers: /^HTTP\/1\.1 100 .*HTTP\/1\.1 200 .*"result":\{\}/s,
  },
  "a HEAD": {
    text: "HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    answers: /^HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\n$/,
  },
  "three requests at once": {
    text: "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2) +
      "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    answers: /^HTTP\/1\.1 200 .*HTTP\/1\.1 200 .*HTTP\/1\.1 404 /s,
  },
  "an empty line in front of each": {
    text: `\r\n${"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"}\r\n` +
      "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    answers: /^HTTP\/1\.1 200 .*HTTP\/1\.1 200 /s,
  },
  "more requests at once than are read at a time": {
    text: `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(8_200)}\r\n\r\n` +
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: ${ACCEPT}\r\n` +
      `Content-Length: 4400\r\n\r\n${PING.padEnd(4_400)}` +
      "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2) +
      "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    answers:
      /^HTTP\/1\.1 200 .*HTTP\/1\.1 200 .*"result":\{\}.*HTTP\/1\.1 200 .*HTTP\/1\.1 200 .*HTTP\/1\.1 404 /s,
  },
  "two lengths": {
    text: "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    answers: /^HTTP\/1\.1 400 /,
  },
};

Deno.test("requests of rare kinds are answered as others are", async (t) => {
  await using gateway = await startKeystone([], { server: SCRIPTED });
  for (const [what, { text, answers }] of Object.entries(STRANGE)) {
    await t.step(what, async () => assert.match(await exchange(gateway, text), answers));
  }
  await t.step("a long body, whose answer comes before it is read", async () => {
    const head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n" +
      `Accept: ${ACCEPT}\r\nContent-Length: 3000000\r\n\r\n`;
    const connection = await connect(gateway);
    await connection.write(encoder.encode(head));
    const sending = connection.write(encoder.encode("x".repeat(100_000))).catch(() => {});
    assert.match(await inTime(textOf(connection), "answer"), /^HTTP\/1\.1 415 /);
    await sending;
  });
  await t.step("the next request on a connection that the runtime has by then", async () => {
    using first = await rawRequest(gateway.port, { path: "/health" });
    for (let count = 0; count < 3; count++) {
      await first.connection.write(encoder.encode("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
      const bytes = new Uint8Array(4096);
      const size = await first.connection.read(bytes);
      assert.match(decoder.decode(bytes.subarray(0, size ?? 0)), /^HTTP\/1\.1 200 /);
    }
  });
});

Deno.test("a WebSocket needs a connection of its own: after other requests the connection ends", async () => {
  await using gateway = await startKeystone([], { server: SCRIPTED });
  using first = await rawRequest(gateway.port, { path: "/health" });
  const { headers = {} } = upgradeRequest("/ws");
  const fields = Object.entries({ Host: "localhost", ...headers }).map(([name, value]) =>
    `${name}: ${value}`
  );
  await first.connection.write(encoder.encode(["GET /ws HTTP/1.1", ...fields, "", ""].join("\r\n")));
  await inTime(closed(first.connection), "end of the connection");
  await serves(gateway);
});

Deno.test("a client that leaves while its call is at work takes nothing of others along", async () => {
  await using gateway = await startKeystone([], { server: SCRIPTED });
  const body = JSON.stringify(callTool(1, "hang"));
  const open = await Promise.all(
    Array.from(
      { length: 5 },
      () => sendRaw(gateway.port, { method: "POST", path: "/mcp", headers: POST_HEADERS, body }),
    ),
  );
  const other = post(gateway.mcp, callTool(2, "sleep", { ms: 300 })).then(answer);
  for (const connection of open) connection.close();
  assert("result" in await inTime(other, "answer"));
});
