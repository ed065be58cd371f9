/** How the gateway gets at a remote server: credentials, redirects, certificates and proxies. */
import assert from "node:assert/strict";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { Proxy } from "../support/cable.ts";
import { Certificates, hasOpenssl } from "../support/certificates.ts";
import { runKeystone, startKeystone } from "../support/keystone.ts";
import { answer, callTool, initialize, post } from "../support/rpc.ts";
import { HttpRemote, SseRemote, WebSocketRemote } from "../support/scripted_remote.ts";

const WIRES = [
  { wire: "Streamable HTTP", flag: "--streamableHttp", Remote: HttpRemote },
  { wire: "SSE", flag: "--sse", Remote: SseRemote },
  { wire: "WebSocket", flag: "--ws", Remote: WebSocketRemote },
] as const;

/** A remote is served on stdio where nothing else is said. */
const HTTP = ["--outputTransport", "streamableHttp"];
const SECRETS = /topsecret|hunter2|s3cr3t/;

// --- credentials ---

for (const { wire, flag, Remote } of WIRES) {
  Deno.test(`bridge gives its headers to the ${wire} server and to nobody else`, async () => {
    await using files = await folder({ headers: "# of the file\nX-File: topsecret\r\n\nX-Both: old\n" });
    await using remote = new Remote();
    await using bridge = new Bridge([
      ...[flag, `${remote.url}?key=hunter2`, ...QUICK_RETRY, "--logLevel", "debug"],
      ...["--headerFile", files.path("headers"), "--header", "X-Flag: topsecret", "--header", "X-Both: new"],
      ...["--oauth2Bearer", "s3cr3t"],
    ]);
    await bridge.begin();
    assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
    for (const { headers } of remote.seen) {
      const names = ["x-file", "x-flag", "x-both", "authorization"];
      const sent = names.map((name) => headers.get(name));
      assert.deepEqual(sent, ["topsecret", "topsecret", "new", "Bearer s3cr3t"]);
    }
    assert(remote.seen.length > 0);
    assert.equal(remote.seen[0]?.url.search, "?key=hunter2");
    await bridge.end();
    await bridge.ended();
    assert.doesNotMatch(bridge.stderr + bridge.lines.join("\n"), SECRETS);
  });
}

Deno.test("bridge takes its token from a file, and the flag's headers over those of the URL", async () => {
  await using files = await folder({ token: "s3cr3t\n" });
  await using remote = new HttpRemote();
  const url = `http://user:hunter2@127.0.0.1:${remote.port}/mcp`;
  await using bridge = new Bridge(["--streamableHttp", url, "--oauth2BearerFile", files.path("token")]);
  await bridge.begin();
  assert.equal(remote.seen[0]?.headers.get("authorization"), "Bearer s3cr3t");
  assert.doesNotMatch(bridge.stderr, SECRETS);
});

Deno.test("bridge names the flag for credentials when the server answers 401 or 403, and asks once", async () => {
  for (const { flag, Remote } of [WIRES[0], WIRES[1]]) {
    let status = 401;
    await using remote = new Remote(() => new Response("who are you? topsecret", { status }));
    await using bridge = new Bridge([flag, remote.url, ...QUICK_RETRY]);
    const none = await bridge.ask(initialize(1));
    assert.equal(
      none.error.message,
      `${remote.url} answered HTTP 401: give credentials that count there, by --oauth2Bearer or --header`,
    );
    status = 403;
    const wrong = await bridge.ask(initialize(2));
    assert.equal(
      wrong.error.message,
      `${remote.url} answered HTTP 403: the credentials of --oauth2Bearer or --header do not suffice`,
    );
    assert.equal(remote.seen.length, 2);
  }
});

Deno.test("keystone refuses files of credentials that are not there or not right, without showing them", async () => {
  await using files = await folder({ headers: "X-Ok: 1\ntopsecret\n", token: "s3cr3t and more" });
  const start = (...flags: string[]) => runKeystone(["--streamableHttp", "http://127.0.0.1:9/mcp", ...flags]);
  const refused = await Promise.all([
    start("--headerFile", files.path("nowhere")),
    start("--headerFile", files.path("headers")),
    start("--oauth2BearerFile", files.path("token")),
    start("--caFile", files.path("nowhere")),
  ]);
  assert.deepEqual(refused.map(({ code, stdout }) => [code, stdout]), refused.map(() => [2, ""]));
  const [missing, wrong, words, ca] = refused.map(({ stderr }) => stderr);
  assert.match(missing ?? "", /^keystone: --headerFile .*no such file\n$/);
  assert.match(wrong ?? "", /^keystone: --headerFile .*: line 2: .*\n$/);
  assert.match(words ?? "", /^keystone: --oauth2BearerFile .*: expected one token/);
  assert.match(ca ?? "", /^keystone: --caFile .*no such file\n$/);
  assert.doesNotMatch(refused.map(({ stderr }) => stderr).join(), SECRETS);
});

Deno.test("keystone refuses files of credentials that others may read, with the way out", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using files = await folder({
    headers: "X-Ok: topsecret\n",
    token: "s3cr3t",
    key: "s3cr3t",
    cert: "",
  });
  for (const name of ["headers", "token", "key"]) await Deno.chmod(files.path(name), 0o644);
  await Deno.writeTextFile(files.path("cert"), "-----BEGIN CERTIFICATE-----\n");
  const remote = ["--streamableHttp", "http://127.0.0.1:9/mcp", "--port", "0", ...HTTP];
  const refused = await Promise.all([
    runKeystone([...remote, "--headerFile", files.path("headers")]),
    runKeystone([...remote, "--oauth2BearerFile", files.path("token")]),
    runKeystone([...remote, "--tlsCert", files.path("cert"), "--tlsKey", files.path("key")]),
  ]);
  for (const [index, option] of ["--headerFile", "--oauth2BearerFile", "--tlsKey"].entries()) {
    const { code, stderr } = refused[index]!;
    assert.equal(code, 2, option);
    assert.match(
      stderr,
      new RegExp(
        `^keystone: ${option} ".*": others than its owner may use it .mode 0644., .*; expected mode 600 .chmod 600.\n$`,
      ),
    );
    assert.doesNotMatch(stderr, SECRETS);
  }
});

Deno.test("secrets on the command line work, draw a warning that says how else, and are shown nowhere", async () => {
  await using remote = new HttpRemote();
  const secrets = ["--oauth2Bearer", "s3cr3t", "--header", "X-API-Key: topsecret"];
  const flags = ["--streamableHttp", remote.url, ...secrets];
  await using gateway = await startKeystone([...flags, ...HTTP, "--logLevel", "debug"]);
  const { result } = await answer(await post(gateway.mcp, callTool(1, "echo")));
  assert.notEqual(result, undefined);
  assert(remote.seen.some(({ headers }) => headers.get("authorization") === "Bearer s3cr3t"));
  const health = await (await fetch(new URL("/health", gateway.mcp))).text();
  await gateway.stop();
  assert.match(
    gateway.stderr(),
    /WRN .*\(--oauth2Bearer\); .* \(KEYSTONE_OAUTH2_BEARER\) or in a file \(--oauth2BearerFile\)\n/,
  );
  assert.match(
    gateway.stderr(),
    /WRN .*\(--header\); .* \(KEYSTONE_HEADER\) or in a file \(--headerFile\)\n/,
  );
  const texts = await Promise.all([
    runKeystone(["config", "print", ...flags]),
    runKeystone(["validate-config", ...flags]),
    runKeystone([...flags, "--help"]),
    runKeystone([...flags, "--port", "none"]),
    runKeystone(["--help"], {
      env: { KEYSTONE_OAUTH2_BEARER: "s3cr3t", KEYSTONE_HEADER: "X-Key: topsecret" },
    }),
  ]);
  const shown = [
    gateway.stderr(),
    gateway.stdout,
    health,
    ...texts.flatMap(({ stdout, stderr }) => [stdout, stderr]),
  ];
  for (const text of shown) assert.doesNotMatch(text, SECRETS);
});

// --- redirects ---

function redirect(status: number, location: string): Response {
  return new Response(null, { status, headers: { Location: location } });
}

Deno.test("bridge follows 307 and 308 with message and credentials, within the origin", async () => {
  await using remote = new HttpRemote(({ url }) => {
    if (url.pathname === "/mcp") return redirect(307, "/moved?once=1");
    return url.pathname === "/moved" ? redirect(308, "/here") : undefined;
  });
  await using bridge = new Bridge(["--streamableHttp", remote.url, "--oauth2Bearer", "s3cr3t"]);
  await bridge.begin();
  assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
  const arrived = remote.seen.filter(({ url, method }) => url.pathname === "/here" && method === "POST");
  assert.deepEqual(arrived.map(({ message }) => message.method), [
    "initialize",
    "notifications/initialized",
    "tools/call",
  ]);
  assert(arrived.every(({ headers }) => headers.get("authorization") === "Bearer s3cr3t"));
  assert.equal(arrived[2]?.headers.get("mcp-session-id"), "session-of-the-remote");
});

Deno.test("bridge takes no credentials along to another origin", async () => {
  await using foreign = new HttpRemote();
  await using remote = new HttpRemote(({ method }) =>
    method === "POST" ? redirect(307, foreign.url) : undefined
  );
  const url = `http://user:hunter2@127.0.0.1:${remote.port}/mcp?key=topsecret`;
  await using bridge = new Bridge([
    "--streamableHttp",
    url,
    "--header",
    "X-Key: s3cr3t",
    "--header",
    "Cookie: s3cr3t",
  ]);
  assert.equal((await bridge.begin()).result.serverInfo.name, "remote");
  assert.equal(remote.posted("initialize")[0]?.headers.get("x-key"), "s3cr3t");
  const [seen] = foreign.posted("initialize");
  assert.equal(seen?.headers.get("content-type"), "application/json");
  const told = [seen?.url.href, ...[...seen?.headers ?? []].flat()].join("\n");
  assert.doesNotMatch(told, new RegExp(`authorization|cookie|x-key|${SECRETS.source}`, "i"));
});

Deno.test("bridge does not follow a redirect that loses the message, and says where to go", async () => {
  for (const status of [301, 302, 303]) {
    await using remote = new HttpRemote(() => redirect(status, "/elsewhere?key=topsecret"));
    await using bridge = new Bridge(["--streamableHttp", remote.url, ...QUICK_RETRY]);
    assert.equal(
      (await bridge.ask(initialize(1))).error.message,
      `${remote.url} redirects with HTTP ${status}, which would lose the message: use ${remote.origin}/elsewhere directly`,
    );
    assert.deepEqual(remote.seen.map(({ method, url }) => `${method} ${url.pathname}`), ["POST /mcp"]);
  }
});

Deno.test("bridge gives up on redirects without an end", async () => {
  await using remote = new HttpRemote(() => redirect(307, "/mcp"));
  await using bridge = new Bridge(["--streamableHttp", remote.url, ...QUICK_RETRY]);
  assert.equal((await bridge.ask(initialize(1))).error.message, `${remote.url} redirects more than 5 times`);
  assert.equal(remote.seen.length, 6);
});

Deno.test("bridge follows an event stream that has moved, without credentials to another origin", async () => {
  await using foreign = new SseRemote();
  await using remote = new SseRemote(({ method, url }) => {
    if (method !== "GET") return undefined;
    return url.pathname === "/sse" ? redirect(302, "/stream") : redirect(303, foreign.url);
  });
  await using bridge = new Bridge(["--sse", remote.url, ...QUICK_RETRY, "--header", "X-Key: s3cr3t"]);
  // The foreign stream names a path; it is that of the server that was asked for.
  await bridge.send(initialize(1));
  const { headers } = await remote.sees(({ method }) => method === "POST");
  assert.equal(headers.get("x-key"), "s3cr3t");
  assert.deepEqual(foreign.requested("GET").map(({ headers }) => headers.get("x-key")), [null]);
  assert.deepEqual(foreign.requested("POST"), []);
  foreign.say({ jsonrpc: "2.0", id: 1, result: {} });
  await bridge.answer(1);
});

// --- certificates ---

Deno.test("bridge trusts the authority of --caFile and no unknown one", { ignore: !hasOpenssl }, async () => {
  await using files = await Certificates.begin();
  const { authority, server: tls } = await files.pair();
  await using remote = new HttpRemote(undefined, { tls });
  const flags = ["--streamableHttp", remote.url, ...QUICK_RETRY, "--retryAttempts", "0"];
  await using wary = new Bridge(flags);
  const { error } = await wary.ask(initialize(1));
  assert.match(error.message, new RegExp(`^Cannot trust ${remote.url}: .*certificate`));
  assert.deepEqual(remote.seen, []);
  await using bridge = new Bridge([...flags, "--caFile", authority.file]);
  await bridge.begin();
  assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
});

Deno.test("bridge trusts the authority of --caFile for wss", { ignore: !hasOpenssl }, async () => {
  await using files = await Certificates.begin();
  const { authority, server: tls } = await files.pair();
  await using remote = new WebSocketRemote(undefined, { tls });
  const flags = ["--ws", `wss://127.0.0.1:${remote.port}/ws`, ...QUICK_RETRY, "--retryAttempts", "0"];
  await using wary = new Bridge(flags);
  assert.match((await wary.ask(initialize(1))).error.message, /^Cannot trust wss:/);
  await using bridge = new Bridge([...flags, "--caFile", authority.file]);
  await bridge.begin();
  assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
});

// --- proxies ---

/** Nothing of the environment of the test, and nothing that the runtime asks for itself. */
const NO_PROXIES = {
  ...Object.fromEntries(
    ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [
      [name, ""],
      [name.toLowerCase(), ""],
    ]),
  ),
  DENO_NO_UPDATE_CHECK: "1",
};

Deno.test("bridge goes through HTTP_PROXY, and past it where NO_PROXY says so", async () => {
  await using proxy = await Proxy.start();
  await using remote = new HttpRemote();
  const flags = ["--streamableHttp", remote.url, ...QUICK_RETRY, "--header", "X-Key: s3cr3t"];
  await using direct = new Bridge(flags, {
    env: { ...NO_PROXIES, HTTP_PROXY: proxy.url, NO_PROXY: "example.com,127.0.0.1" },
  });
  await direct.begin();
  assert.deepEqual(proxy.asked, []);
  await using bridge = new Bridge(flags, { env: { ...NO_PROXIES, HTTP_PROXY: proxy.url } });
  await bridge.begin();
  assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
  assert(proxy.asked.length > 0);
  for (const line of proxy.asked) assert.match(line, new RegExp(`^(GET|POST) ${remote.url} HTTP/1.1$`));
});

Deno.test("bridge opens its WebSocket through HTTP_PROXY", async () => {
  await using proxy = await Proxy.start();
  await using remote = new WebSocketRemote();
  await using bridge = new Bridge(["--ws", remote.url, ...QUICK_RETRY], {
    env: { ...NO_PROXIES, HTTP_PROXY: proxy.url },
  });
  await bridge.begin();
  assert.deepEqual(proxy.asked, [`CONNECT 127.0.0.1:${remote.port} HTTP/1.1`]);
});

Deno.test(
  "bridge opens its wss through HTTPS_PROXY, also with --caFile",
  { ignore: !hasOpenssl },
  async () => {
    await using files = await Certificates.begin();
    const { authority, server: tls } = await files.pair();
    await using proxy = await Proxy.start();
    await using remote = new WebSocketRemote(undefined, { tls });
    const url = `wss://127.0.0.1:${remote.port}/ws`;
    await using bridge = new Bridge(["--ws", url, ...QUICK_RETRY, "--caFile", authority.file], {
      env: { ...NO_PROXIES, HTTPS_PROXY: proxy.url },
    });
    await bridge.begin();
    assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
    assert.deepEqual(proxy.asked, [`CONNECT 127.0.0.1:${remote.port} HTTP/1.1`]);
  },
);

Deno.test(
  "bridge goes through HTTPS_PROXY by CONNECT, also with --caFile",
  { ignore: !hasOpenssl },
  async () => {
    await using files = await Certificates.begin();
    const { authority, server: tls } = await files.pair();
    await using proxy = await Proxy.start();
    await using remote = new HttpRemote(undefined, { tls });
    const flags = ["--streamableHttp", remote.url, ...QUICK_RETRY, "--caFile", authority.file];
    await using bridge = new Bridge(flags, { env: { ...NO_PROXIES, HTTPS_PROXY: proxy.url } });
    await bridge.begin();
    assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
    assert(proxy.asked.length > 0);
    for (const line of proxy.asked) assert.equal(line, `CONNECT 127.0.0.1:${remote.port} HTTP/1.1`);
  },
);

Deno.test("bridge answers when its proxy is not there", async () => {
  await using proxy = await Proxy.start();
  const { url } = proxy;
  await proxy.unplug();
  await using remote = new HttpRemote();
  await using bridge = new Bridge(["--streamableHttp", remote.url, ...QUICK_RETRY], {
    env: { ...NO_PROXIES, HTTP_PROXY: url },
  });
  assert.match((await bridge.ask(initialize(1))).error.message, new RegExp(`^Cannot reach ${remote.url}: `));
  assert.deepEqual(remote.seen, []);
});

// --- files ---

interface Folder extends AsyncDisposable {
  path(name: string): string;
}

async function folder(texts: Readonly<Record<string, string>> = {}): Promise<Folder> {
  const root = await Deno.makeTempDir({ prefix: "keystone-access-" });
  const path = (name: string) => `${root}/${name}`;
  for (const [name, text] of Object.entries(texts)) {
    await Deno.writeTextFile(path(name), text, { mode: 0o600 });
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }) };
}
