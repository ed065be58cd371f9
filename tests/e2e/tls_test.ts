/** HTTPS, HTTP/2 and wss: with a certificate of the test's own, through clients that verify it. */
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client";
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { descriptorsOf } from "../support/descriptors.ts";
import { commandLine, eventually, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { type AnyMessage, callTool, initialize } from "../support/rpc.ts";

/** Certificates are made by `openssl`, HTTP/2 is spoken by `curl`: a machine may lack them. */
const hasOpenssl = await versionOf("openssl", "version") !== "";
const hasCurl = hasOpenssl && (await versionOf("curl", "--version")).includes("HTTP2");
const hasNghttp = hasOpenssl && await versionOf("nghttp", "--version") !== "";

Deno.test("keystone serves HTTP/2, its Host and Origin checks included", { ignore: !hasCurl }, async () => {
  await using files = await makeCertificate();
  await using keystone = await startKeystone(tlsFlags(files), { server: SCRIPTED });
  const { host } = new URL(keystone.mcp);
  const call = JSON.stringify(callTool(7, "echo", { said: "over HTTP/2" }));
  const [answered, foreignHost, foreignOrigin, local] = await Promise.all([
    curl(files.cert, keystone.mcp, { body: call }),
    // Over HTTP/2 curl puts it into `:authority`.
    curl(files.cert, keystone.mcp, { body: call, headers: { Host: "evil.example" } }),
    curl(files.cert, keystone.mcp, { body: call, headers: { Origin: "https://evil.example" } }),
    curl(files.cert, keystone.mcp, { body: call, headers: { Origin: `https://${host}` } }),
  ]);
  assert.equal(answered.status, "2 200");
  assert.equal(answered.message.result.structuredContent.said, "over HTTP/2");
  assert.equal(foreignHost.status, "2 403");
  assert.match(foreignHost.message.error.message, /^Forbidden: Host is not allowed$/);
  assert.equal(foreignOrigin.status, "2 403");
  assert.match(foreignOrigin.message.error.message, /^Forbidden: Origin is not allowed$/);
  assert.equal(local.status, "2 200");
});

Deno.test("keystone serves HTTP/2 as nghttp speaks it", { ignore: !hasNghttp }, async () => {
  await using files = await makeCertificate();
  await using keystone = await startKeystone(tlsFlags(files), { server: SCRIPTED });
  const { origin } = new URL(keystone.mcp);
  // Several requests on one connection; with -v it tells of what was negotiated, and of each answer.
  const said = await output("nghttp", ["-v", "-m", "5", `${origin}/health`]);
  assert.match(said, /The negotiated protocol: h2/);
  assert.equal([...said.matchAll(/:status: 200/g)].length, 5, said);
  assert.doesNotMatch(said, /GOAWAY[^]*error_code=(?!NO_ERROR)/);
});

Deno.test("keystone speaks TLS 1.2 and 1.3, and nothing older", { ignore: !hasOpenssl }, async () => {
  await using files = await makeCertificate();
  await using keystone = await startKeystone(tlsFlags(files), { server: SCRIPTED });
  const versions = ["tls1", "tls1_1", "tls1_2", "tls1_3"];
  const spoken = await Promise.all(versions.map((version) => handshake(keystone.port, version, files.cert)));
  assert.deepEqual(spoken, [undefined, undefined, "TLSv1.2", "TLSv1.3"]);
});

Deno.test("keystone serves the SDK's client over HTTPS", { ignore: !hasOpenssl }, async () => {
  await using files = await makeCertificate();
  await using keystone = await startKeystone(["--stateful", ...tlsFlags(files)], { server: SCRIPTED });
  assert.equal(new URL(keystone.mcp).protocol, "https:");
  using trusting = await clientTrusting(files.cert);
  const transport = new StreamableHTTPClientTransport(new URL(keystone.mcp), {
    fetch: (url, init) => fetch(url, { ...init, client: trusting }),
  });
  const client = new Client({ name: "keystone-test", version: "1.0.0" });
  await client.connect(transport);
  const result = await client.callTool({ name: "echo", arguments: { said: "over HTTPS" } });
  assert.partialDeepStrictEqual(result.structuredContent, { said: "over HTTPS" });
  assert.equal(typeof transport.sessionId, "string");
  await transport.terminateSession();
  await client.close();
  await assert.rejects(fetch(keystone.mcp), TypeError, "A client that does not know the certificate gets in");
});

Deno.test(
  "a request over HTTP/2 that is held up takes none of its connection along",
  { ignore: !hasOpenssl },
  async () => {
    await using files = await makeCertificate();
    const flags = [...tlsFlags(files), "--bodyTimeout", "200ms", "--keepAlive", "100ms"];
    await using keystone = await startKeystone(flags, { server: SCRIPTED });
    using trusting = await clientTrusting(files.cert);
    const events = await fetch(keystone.sse, { client: trusting });
    const reader = events.body!.getReader();
    const held = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
    });
    const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
    const late = await fetch(keystone.mcp, { method: "POST", headers, body: held, client: trusting });
    assert.equal(late.status, 408);
    await late.body?.cancel();
    // A connection that was to end would have done so by then.
    for (let signs = 0; signs < 20; signs++) assert.equal((await reader.read()).done, false);
    await reader.cancel();
    assert.doesNotMatch(keystone.stderr(), /Connection dropped/);
  },
);

Deno.test("keystone serves WebSocket over wss", { ignore: !hasOpenssl }, async () => {
  await using files = await makeCertificate();
  await using keystone = await startKeystone(tlsFlags(files), { server: SCRIPTED });
  assert.equal(new URL(keystone.ws).protocol, "wss:");
  using trusting = await clientTrusting(files.cert);
  const socket = new WebSocket(keystone.ws, { protocols: ["mcp"], client: trusting });
  await event(socket, "open");
  assert.equal(socket.protocol, "mcp");
  assert.equal((await ask(socket, initialize("first"))).result.serverInfo.name, "scripted");
  socket.send(JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }));
  const called = await ask(socket, callTool("second", "seen"));
  assert.deepEqual([called.id, called.result.structuredContent.notifications], [
    "second",
    ["notifications/initialized"],
  ]);
  socket.close();
  await event(socket, "close");
});

Deno.test("keystone refuses a key that belongs to another certificate", { ignore: !hasOpenssl }, async () => {
  await using files = await makeCertificate();
  await using others = await makeCertificate();
  const flags = ["--port", "0", ...tlsFlags({ cert: files.cert, key: others.key })];
  await using keystone = new Deno.Command(Deno.execPath(), {
    args: commandLine(flags, { server: SCRIPTED }),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  // It would stop Keystone, had it accepted the pair.
  await keystone.stdin.close();
  const { code, stdout, stderr } = await keystone.output();
  assert.deepEqual([code, stdout.length], [2, 0]);
  assert.match(
    new TextDecoder().decode(stderr),
    /^keystone: --tlsKey ".+\.pem": the key does not belong to the certificate of --tlsCert ".+\.pem"\n$/,
  );
});

Deno.test({
  name: "a client of TLS that says nothing, or does not read, leaves no descriptor behind when it is ended",
  ignore: !hasOpenssl || Deno.build.os !== "linux",
  async fn() {
    await using files = await makeCertificate();
    const flags = ["--headerTimeout", "300ms", "--idleTimeout", "300ms", ...tlsFlags(files)];
    await using keystone = await startKeystone(flags, { server: SCRIPTED });
    const before = descriptorsOf(keystone.pid);
    const caCerts = [await Deno.readTextFile(files.cert)];
    const { port } = keystone;
    const silent = await Promise.all(
      Array.from({ length: 20 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
    );
    const unread = await Promise.all(
      Array.from({ length: 20 }, () => Deno.connectTls({ hostname: "127.0.0.1", port, caCerts })),
    );
    const request = `GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    for (const conn of unread) await conn.write(new TextEncoder().encode(request));
    const left = () => Promise.resolve(descriptorsOf(keystone.pid) - before);
    // They are all still there.
    await eventually(left, (count) => count <= 4);
    for (const conn of [...silent, ...unread]) conn.close();
  },
});

interface PemFiles {
  readonly cert: string;
  readonly key: string;
}

/** Without the mark of an authority: clients refuse a server that shows such a certificate. */
const CERTIFICATE = `
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = Keystone test
[extensions]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1, DNS:localhost
`;

async function makeCertificate(): Promise<PemFiles & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "keystone-tls-" });
  const config = `${folder}/openssl.cnf`;
  const [cert, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await Deno.writeTextFile(config, CERTIFICATE);
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await output("openssl", ["req", ...kind, "-config", config, "-keyout", key, "-out", cert]);
  return { cert, key, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** By a client that speaks one version alone, and that however old: the version, and undefined where it is refused. */
async function handshake(port: number, version: string, cert: string): Promise<string | undefined> {
  const old = ["-cipher", "ALL:@SECLEVEL=0"];
  const args = ["s_client", "-connect", `127.0.0.1:${port}`, `-${version}`, ...old, "-CAfile", cert];
  const { stdout } = await new Deno.Command("openssl", { args, stdin: "null", stderr: "null" }).output();
  const said = new TextDecoder().decode(stdout);
  const [, protocol] = /^New, (TLSv[\d.]+), Cipher is (?!\(NONE\))/m.exec(said) ?? [];
  assert(protocol === undefined || /Verify return code: 0/.test(said), said);
  return protocol;
}

function tlsFlags({ cert, key }: PemFiles): string[] {
  return ["--tlsCert", cert, "--tlsKey", key];
}

async function clientTrusting(cert: string): Promise<Deno.HttpClient> {
  return Deno.createHttpClient({ caCerts: [await Deno.readTextFile(cert)] });
}

interface CurlOptions {
  body: string;
  headers?: Record<string, string>;
}

/** POSTs over HTTP/2; the status has the version in front. */
async function curl(cert: string, url: string, { body, headers = {} }: CurlOptions) {
  const all = {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    ...headers,
  };
  const fields = Object.entries(all).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const options = ["-sS", "--http2", "--cacert", cert, "-w", "\n%{http_version} %{http_code}"];
  const [answer = "", status] = (await output("curl", [...options, ...fields, "-d", body, url])).split("\n");
  const message: AnyMessage = JSON.parse(answer);
  return { status, message };
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" })
    .output();
  if (!success) throw new Error(`${program} failed:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** What a program says of itself; nothing where there is no such program. */
async function versionOf(program: string, flag: string): Promise<string> {
  try {
    return await output(program, [flag]);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "";
  }
}

/** Sends a request; the next message is its answer. */
async function ask(socket: WebSocket, message: unknown): Promise<AnyMessage> {
  const answered = event(socket, "message");
  socket.send(JSON.stringify(message));
  return JSON.parse((await answered).data);
}

function event<T extends keyof WebSocketEventMap>(socket: WebSocket, type: T): Promise<WebSocketEventMap[T]> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(type, resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
}
