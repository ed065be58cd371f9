import assert from "node:assert/strict";
import { inTime } from "../../../tests/contract/deadline.ts";
import type { ByteStream } from "../../wire/byte_stream.ts";
import { withBefore, writeAll } from "../../wire/byte_stream.ts";
import { encodeHead, fieldOf, type Head, readHead } from "../../wire/http_head.ts";
import { acceptFor } from "../../wire/web_socket/handshake.ts";
import { RemoteError } from "./remote_error.ts";
import { openWebSocket, type SocketRequest } from "./web_socket_client.ts";

const REQUEST: SocketRequest = {
  protocol: "mcp",
  headers: {},
  caCerts: [],
  signal: new AbortController().signal,
  env: () => undefined,
};

/** A server that reads one head after the other on each connection, and does what the test says with each. */
function headServer(answer: (head: Head, stream: ByteStream) => Promise<void>, hostname = "127.0.0.1") {
  const listener = Deno.listen({ hostname, port: 0 });
  const heads: Head[] = [];
  const serve = async (connection: Deno.Conn) => {
    try {
      let stream: ByteStream = connection;
      for (let received; (received = await readHead(stream, 10_000));) {
        heads.push(received.head);
        stream = withBefore(received.rest, connection);
        await answer(received.head, stream);
      }
    } catch {
      // The client has left, or the server has closed it.
    }
    connection[Symbol.dispose]();
  };
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) serving.push(serve(connection));
  })();
  return {
    heads,
    port: listener.addr.port,
    url: new URL(`ws://${hostname.includes(":") ? `[${hostname}]` : hostname}:${listener.addr.port}/ws?a=b`),
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await inTime(Promise.all(serving), "The end of the connections");
    },
  };
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

function switching(head: Head, fields: Readonly<Record<string, string | undefined>> = {}): Uint8Array {
  const all = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": acceptFor(fieldOf(head, "sec-websocket-key") ?? ""),
    ...fields,
  };
  const given = Object.entries(all).filter((field): field is [string, string] => field[1] !== undefined);
  return encodeHead({ line: "HTTP/1.1 101 Switching Protocols", fields: given });
}

async function failureOf(url: URL, request: Partial<SocketRequest> = {}): Promise<RemoteError> {
  const error = await openWebSocket(url, { ...REQUEST, ...request }).then(
    (stream) => stream.close(),
    (it) => it,
  );
  assert(error instanceof RemoteError, `${error}`);
  return error;
}

Deno.test("openWebSocket asks as RFC 6455 has it, and gives what came behind the answer", async () => {
  await using server = headServer(async (head, stream) => {
    await writeAll(stream, encodeHead({ line: "HTTP/1.1 103 Early Hints", fields: [] }));
    await writeAll(stream, new Uint8Array([...switching(head), 1, 2, 3]));
  });
  const url = new URL(server.url);
  url.username = "me";
  url.password = "s3cret";
  const headers = { Authorization: "Bearer t", Upgrade: "h2c", "Sec-WebSocket-Extensions": "x" };
  const stream = await openWebSocket(url, { ...REQUEST, headers });
  const bytes = new Uint8Array(9);
  assert.deepEqual([await stream.read(bytes), ...bytes.subarray(0, 3)], [3, 1, 2, 3]);
  stream.close();
  const [head] = server.heads;
  assert(head);
  assert.equal(head.line, "GET /ws?a=b HTTP/1.1");
  const { "sec-websocket-key": key = "", "user-agent": agent = "", ...fields } = Object.fromEntries(
    head.fields,
  );
  assert.match(key, /^[A-Za-z0-9+/]{22}==$/);
  assert.notEqual(agent, "");
  assert.deepEqual(fields, {
    authorization: "Bearer t",
    connection: "Upgrade",
    host: url.host,
    "sec-websocket-protocol": "mcp",
    "sec-websocket-version": "13",
    upgrade: "websocket",
  });
});

Deno.test("openWebSocket takes a server that agrees to the subprotocol, and one that names none", async () => {
  for (const protocol of ["mcp", undefined]) {
    await using server = headServer((head, stream) =>
      writeAll(stream, switching(head, { "Sec-WebSocket-Protocol": protocol }))
    );
    (await openWebSocket(server.url, REQUEST)).close();
  }
});

Deno.test("openWebSocket reaches a server by IPv6", { ignore: !hasIpv6() }, async () => {
  await using server = headServer((head, stream) => writeAll(stream, switching(head)), "::1");
  (await openWebSocket(server.url, REQUEST)).close();
  assert.equal(fieldOf(server.heads[0]!, "host"), `[::1]:${server.port}`);
});

Deno.test("openWebSocket takes no answer that is not one to its question", async () => {
  const invalid = "its WebSocket handshake is not valid";
  const cases: [string, (head: Head) => Uint8Array][] = [
    [invalid, (head) => switching(head, { "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" })],
    [invalid, (head) => switching(head, { "Sec-WebSocket-Accept": undefined })],
    [invalid, (head) => switching(head, { Upgrade: "h2c" })],
    [invalid, (head) => switching(head, { Connection: "close" })],
    [invalid, (head) => switching(head, { "Sec-WebSocket-Protocol": "other" })],
    [invalid, (head) => switching(head, { "Sec-WebSocket-Extensions": "permessage-deflate" })],
    ["it does not speak HTTP", () => new TextEncoder().encode("SSH-2.0-OpenSSH_9.2\r\n\r\n")],
    [
      "it is told to wait again and again",
      () => new TextEncoder().encode("HTTP/1.1 102 Processing\r\n\r\n".repeat(20)),
    ],
  ];
  for (const [reason, answer] of cases) {
    await using server = headServer((head, stream) => writeAll(stream, answer(head)));
    const { message, delivered, permanent } = await failureOf(server.url);
    assert.equal(message, `Cannot reach ws://${server.url.host}/ws: ${reason}`);
    assert.deepEqual([delivered, permanent], [false, false]);
  }
});

Deno.test("openWebSocket gives up a server whose answer has no end", async () => {
  await using server = headServer((_, stream) =>
    writeAll(stream, new TextEncoder().encode(`HTTP/1.1 101 X\r\n${"x: y\r\n".repeat(20_000)}`))
  );
  assert.match((await failureOf(server.url)).message, /^Cannot reach .*65536 bytes/);
});

Deno.test("openWebSocket follows no redirect", async () => {
  await using server = headServer((_, stream) =>
    writeAll(
      stream,
      encodeHead({ line: "HTTP/1.1 307 Temporary Redirect", fields: [["Location", "ws://10.0.0.1/"]] }),
    )
  );
  const { message, remoteStatus } = await failureOf(server.url);
  assert.deepEqual([message, remoteStatus], [`ws://${server.url.host}/ws answered HTTP 307`, 307]);
});

Deno.test("openWebSocket sends no header that is a line of its own, and shows none", async () => {
  await using server = headServer((head, stream) => writeAll(stream, switching(head)));
  const { message } = await failureOf(server.url, { headers: { "x-key": "s3cret\r\nx-other: a" } });
  assert.match(message, /a header that it was to be sent is not valid/);
  assert.doesNotMatch(message, /s3cret/);
  assert.deepEqual(server.heads, []);
});

Deno.test("openWebSocket goes through a proxy by CONNECT, with the credentials of its URL", async () => {
  await using proxy = headServer((head, stream) =>
    writeAll(
      stream,
      head.line.startsWith("CONNECT") ? encodeHead({ line: "HTTP/1.1 200 OK", fields: [] }) : switching(head),
    )
  );
  const env = (name: string) =>
    name === "HTTP_PROXY" ? `http://me:p%40ss@127.0.0.1:${proxy.port}` : undefined;
  (await openWebSocket(new URL("ws://far.example/ws"), { ...REQUEST, env })).close();
  const [connect, upgrade] = proxy.heads;
  assert.equal(connect?.line, "CONNECT far.example:80 HTTP/1.1");
  assert.equal(fieldOf(connect!, "proxy-authorization"), `Basic ${btoa("me:p@ss")}`);
  assert.equal(upgrade?.line, "GET /ws HTTP/1.1");
  assert.equal(fieldOf(upgrade!, "proxy-authorization"), undefined);
  assert.equal(fieldOf(upgrade!, "host"), "far.example");
});

Deno.test("openWebSocket says what its proxy says", async () => {
  await using proxy = headServer((_, stream) =>
    writeAll(stream, encodeHead({ line: "HTTP/1.1 407 Who are you", fields: [] }))
  );
  const env = (name: string) => name === "HTTPS_PROXY" ? `127.0.0.1:${proxy.port}` : undefined;
  const { message } = await failureOf(new URL("wss://[2001:db8::1]/ws?s3cret"), { env });
  assert.equal(message, "Cannot reach wss://[2001:db8::1]/ws: the proxy answered HTTP 407");
  assert.equal(proxy.heads[0]?.line, "CONNECT [2001:db8::1]:443 HTTP/1.1");
});

Deno.test("openWebSocket stops when its signal says so, and hangs up", async () => {
  for (const silent of ["proxy", "server"]) {
    const abort = new AbortController();
    const reason = new Error("enough");
    await using server = headServer(() => {
      abort.abort(reason);
      return Promise.resolve();
    });
    const env = (name: string) =>
      silent === "proxy" && name === "HTTP_PROXY" ? `127.0.0.1:${server.port}` : undefined;
    await assert.rejects(openWebSocket(server.url, { ...REQUEST, env, signal: abort.signal }), reason);
  }
});

Deno.test("openWebSocket stops within a handshake of TLS that nobody answers", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const abort = new AbortController();
  const reason = new Error("enough");
  const url = new URL(`wss://127.0.0.1:${listener.addr.port}/ws`);
  const opening = assert.rejects(openWebSocket(url, { ...REQUEST, signal: abort.signal }), reason);
  // The runtime keeps such a connection until its far end hangs up.
  using connection = await listener.accept();
  await connection.read(new Uint8Array(1));
  abort.abort(reason);
  await opening;
});
