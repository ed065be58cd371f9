/** Whom a running gateway lets in: hosts, origins, paths and patterns; and where it lets a remote send it. */
import assert from "node:assert/strict";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { type Keystone, runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { json, type Loopback, loopback } from "../support/loopback.ts";
import { networkAddress, rawRequestOf, say } from "../support/raw_bytes.ts";
import { initialize } from "../support/rpc.ts";

const start = (...flags: string[]) => startKeystone(flags, { server: SCRIPTED });
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const POST = [
  ...["Content-Type: application/json", "Accept: application/json, text/event-stream"],
  `Content-Length: ${PING.length}`,
];
const UPGRADE = [
  ...["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
];
const ROUTES = ["GET /health", "GET /mcp", "GET /sse", "POST /message", "GET /ws", "GET /nowhere"];

async function statusOf(
  gateway: Keystone,
  startLine: string,
  headers: readonly string[],
  body = "",
): Promise<number> {
  return (await say(gateway.port, rawRequestOf(startLine, headers, body))).status;
}

function ping(gateway: Keystone, path: string, headers: readonly string[] = []): Promise<number> {
  const host = `Host: 127.0.0.1:${gateway.port}`;
  return statusOf(gateway, `POST ${path} HTTP/1.1`, [host, ...POST, ...headers], PING);
}

Deno.test("a request that names no host, two, or none that is one, gets 400 on every route", async () => {
  await using gateway = await start();
  for (const route of ROUTES) {
    for (const version of ["1.1", "1.0"]) {
      assert.equal(await statusOf(gateway, `${route} HTTP/${version}`, []), 400, `${route} ${version}`);
    }
    const own = `Host: 127.0.0.1:${gateway.port}`;
    for (
      const hosts of [[own, own], ["Host:"], ["Host: a b"], ["Host: x@127.0.0.1"], ["Host: 127.0.0.1/x"]]
    ) {
      assert.equal(await statusOf(gateway, `${route} HTTP/1.1`, hosts), 400, `${route} ${hosts}`);
    }
    assert.equal(await statusOf(gateway, `${route} HTTP/1.1`, ["Host: evil.example"]), 403, route);
  }
  const upgrade = rawRequestOf("GET /ws HTTP/1.1", UPGRADE).replace(
    "Connection: close",
    "Connection: Upgrade, close",
  );
  assert.equal((await say(gateway.port, upgrade)).status, 400);
  assert.equal(
    await statusOf(gateway, "GET http://evil.example/mcp HTTP/1.1", [`Host: 127.0.0.1:${gateway.port}`]),
    403,
  );
});

Deno.test("an Origin of this machine is one of http and https; any other scheme is let in by name alone", async () => {
  await using gateway = await start("--allowedOrigin", "tauri://localhost");
  const from = (origin: string) => ping(gateway, "/mcp", [`Origin: ${origin}`]);
  for (const own of ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:1", "tauri://localhost"]) {
    assert.equal(await from(own), 200, own);
  }
  const foreign = [
    "capacitor://localhost",
    "tauri://127.0.0.1",
    "x://127.0.0.1",
    "ws://localhost",
    "file://localhost",
  ];
  const more = [
    "null",
    "http://localhost.evil.example",
    "http://evil.example",
    `http://${"a".repeat(12_000)}`,
  ];
  for (const origin of [...foreign, ...more]) assert.equal(await from(origin), 403, origin.slice(0, 50));
});

Deno.test("a path is matched as it was sent", async () => {
  await using gateway = await start();
  const others = [
    ...[
      "/%6dcp",
      "/%6Dcp",
      "/mc%70",
      "//mcp",
      "/./mcp",
      "/mcp/.",
      "/mcp/../mcp",
      "/x/../mcp",
      "/%2e/mcp",
      "/%2e%2e/mcp",
    ],
    ...[
      "/mcp;x",
      "/mcp%2f",
      "/mcp%2F",
      "/mcp%00",
      "/mcp%20",
      "/\\mcp",
      "/mcp\\",
      "/x/..\\mcp",
      "/MCP",
      "/mcp//",
      "/mcp#x",
    ],
    ...[
      "/mcp\u00e9",
      "/mcp,",
      "/%2fmcp",
      `http://127.0.0.1:${gateway.port}/x/../mcp`,
      `http://127.0.0.1:${gateway.port}?/mcp`,
    ],
  ];
  for (const path of others) assert.equal(await ping(gateway, path), 404, path);
  const same = [
    "/mcp",
    "/mcp/",
    "/mcp?x=1",
    "/mcp/?x=/y",
    "/mcp?/../x",
    `http://127.0.0.1:${gateway.port}/mcp`,
  ];
  for (const path of same) assert.equal(await ping(gateway, path), 200, path);
  const host = [`Host: 127.0.0.1:${gateway.port}`];
  for (const path of ["/%68ealth", "//health", "/x/../health", "/health;x", "/HEALTH", "/health%2f"]) {
    assert.equal(await statusOf(gateway, `GET ${path} HTTP/1.1`, host), 404, path);
  }
  assert.equal(await statusOf(gateway, "GET /health HTTP/1.1", host), 200);
  for (const path of ["/%77s", "//ws", "/x/../ws", "/ws;x"]) {
    const upgrade = rawRequestOf(`GET ${path} HTTP/1.1`, [...host, ...UPGRADE]);
    assert.equal(
      (await say(gateway.port, upgrade.replace("Connection: close", "Connection: Upgrade, close"))).status,
      404,
      path,
    );
  }
});

Deno.test("a pattern of --cors lets in whole origins alone", async () => {
  await using gateway = await start("--cors", String.raw`/https:\/\/([a-z]+\.)?example\.com/`);
  for (const origin of ["https://example.com", "https://app.example.com"]) {
    const ask = rawRequestOf("POST /mcp HTTP/1.1", [
      `Host: 127.0.0.1:${gateway.port}`,
      ...POST,
      `Origin: ${origin}`,
    ], PING);
    const { status, text } = await say(gateway.port, ask);
    assert.equal(status, 200);
    assert.match(text, new RegExp(`access-control-allow-origin: ${origin}\r\n`, "i"));
  }
  for (
    const origin of [
      "https://example.com.evil.net",
      "https://evil.net/https://example.com",
      "https://xexample.com",
    ]
  ) {
    assert.equal(await ping(gateway, "/mcp", [`Origin: ${origin}`]), 403, origin);
  }
});

Deno.test("a pattern of --cors that can backtrack, or is too long, is refused before anything starts", async () => {
  const slow = [
    "/(a+)+$/",
    String.raw`/https:\/\/([a-z]+)*\.example/`,
    "/^(([a-z])+.)+[A-Z]([a-z])+$/",
    "/.*.*.*x/",
  ];
  for (const pattern of [...slow, `/${"a".repeat(501)}/`]) {
    const { code, stderr } = await runKeystone(["--port", "0", "--idleExit", "1ms", "--cors", pattern], {
      server: SCRIPTED,
    });
    assert.equal(code, 2, pattern);
    assert.match(stderr, /^keystone: --cors "\/.*expected /);
  }
});

// --- redirects ---

/** Answers as an MCP server would, and remembers that it was asked. */
function victim(hostname?: string): Loopback {
  return loopback(({ body }) => {
    const { id } = body === "" ? { id: null } : JSON.parse(body);
    const serverInfo = { name: "inner", version: "1" };
    return json({
      jsonrpc: "2.0",
      id,
      result: { protocolVersion: "2025-11-25", capabilities: {}, serverInfo },
    });
  }, hostname);
}

function redirecting(status: number, to: () => string): Loopback {
  return loopback(() => new Response(null, { status, headers: { Location: to() } }));
}

/** A proxy that stands for the whole public network: it answers in place of whoever is asked. */
function throughProxy({ url }: Loopback) {
  return {
    env: {
      HTTP_PROXY: url.href,
      http_proxy: url.href,
      NO_PROXY: "127.0.0.1,localhost",
      no_proxy: "127.0.0.1,localhost",
    },
  };
}

const WAYS: readonly (readonly string[])[] = [[], ["--streamableHttp"], ["--sse"]];

Deno.test("a redirect of a public remote to this machine or a private network is not followed", async () => {
  await using inner = victim();
  const { port } = inner.url;
  const names = [
    "127.0.0.1",
    "localhost",
    "2130706433",
    "0x7f.1",
    "[::ffff:127.0.0.1]",
    "0.0.0.0",
    "localhost.",
  ];
  for (const [index, name] of names.entries()) {
    await using remote = redirecting(307, () => `http://${name}:${port}/mcp`);
    const way = WAYS[index % WAYS.length]!;
    await using bridge = new Bridge([...way, "http://8.8.8.8/mcp", ...QUICK_RETRY], throughProxy(remote));
    const { error } = await bridge.ask(initialize(1));
    assert.match(
      error.message,
      /is not followed, since http:\/\/8\.8\.8\.8\/mcp is in the public network/,
      name,
    );
    assert.match(error.message, /--allowPrivateRedirects/);
  }
  assert.deepEqual(inner.asked, []);
});

Deno.test("--allowPrivateRedirects follows it", async () => {
  await using inner = victim();
  await using remote = redirecting(307, () => inner.url.href);
  const flags = ["--streamableHttp", "http://8.8.8.8/mcp", "--allowPrivateRedirects"];
  await using bridge = new Bridge(flags, throughProxy(remote));
  assert.equal((await bridge.ask(initialize(1))).result.serverInfo.name, "inner");
});

Deno.test("a redirect within this machine is followed, and one to the network that nobody typed is not", async () => {
  await using inner = victim();
  await using near = redirecting(308, () => inner.url.href.replace("127.0.0.1", "localhost"));
  await using bridge = new Bridge(["--streamableHttp", near.url.href]);
  assert.equal((await bridge.ask(initialize(1))).result.serverInfo.name, "inner");
  const address = networkAddress();
  if (address === undefined) return;
  await using other = victim(address);
  await using away = redirecting(307, () => other.url.href);
  await using refused = new Bridge(["--streamableHttp", away.url.href, ...QUICK_RETRY]);
  assert.match(
    (await refused.ask(initialize(1))).error.message,
    /is not followed, since http:\/\/127\.0\.0\.1:\d+\/ is on this machine/,
  );
  assert.deepEqual(other.asked, []);
});

Deno.test("a redirect of a WebSocket handshake is not followed anywhere", async () => {
  await using inner = victim();
  await using remote = redirecting(307, () => inner.url.href);
  await using bridge = new Bridge(["--ws", remote.url.href.replace("http", "ws"), "--retryAttempts", "0"]);
  assert.match((await bridge.ask(initialize(1))).error.message, /answered HTTP 307/);
  assert.deepEqual(inner.asked, []);
});
