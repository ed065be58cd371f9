/** --httpRedirectPort: plain HTTP is led to HTTPS, and to nowhere else. */
import assert from "node:assert/strict";
import { type Keystone, runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { type RawRequest, rawRequest, upgradeRequest } from "../support/raw_http.ts";

interface Rig extends AsyncDisposable {
  readonly keystone: Keystone;
  readonly port: number;
  /** What a request is answered with, and where it is led. */
  ask(request: RawRequest): Promise<readonly [status: number, location: string | null]>;
  readonly env: Record<string, string>;
}

async function redirecting(...flags: readonly string[]): Promise<Rig> {
  const folder = await Deno.makeTempDir({ prefix: "keystone-state-" });
  const env = { KEYSTONE_STATE_DIR: folder };
  const given = ["--tlsSelfSigned", "--httpRedirectPort", "0", ...flags];
  const keystone = await startKeystone(given, { server: SCRIPTED, env });
  const [, port] = /^ {2}Redirects +http:\/\/127\.0\.0\.1:(\d+)$/m.exec(keystone.stdout) ?? [];
  return {
    ...{ keystone, env, port: Number(port) },
    async ask(request) {
      using answer = await rawRequest(Number(port), request);
      return [answer.status, answer.headers.get("location")];
    },
    async [Symbol.asyncDispose]() {
      await keystone[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("--httpRedirectPort leads each request to the same host and path over HTTPS, whatever it asks", async () => {
  await using rig = await redirecting();
  const https = `https://127.0.0.1:${rig.keystone.port}`;
  const cases: [RawRequest, string][] = [
    [{ path: "/mcp" }, `${https}/mcp`],
    [{ path: "/mcp?a=1&b=%2F..%2F" }, `${https}/mcp?a=1&b=%2F..%2F`],
    [{ method: "POST", path: "/message", body: "{}" }, `${https}/message`],
    [{ method: "DELETE", path: "/" }, `${https}/`],
    // What is no path of ours is not looked at.
    [{ path: "//evil.example/x" }, `${https}//evil.example/x`],
    [{ path: "/\\evil.example" }, `${https}/\\evil.example`],
    [{ path: "/a/../b" }, `${https}/a/../b`],
    [{ path: "/é☃?é" }, `${https}/%C3%A9%E2%98%83?%C3%A9`],
    [{ path: "http://127.0.0.1/whole" }, `${https}/whole`],
    [{ path: "/x", headers: { Host: "localhost:80" } }, `https://localhost:${rig.keystone.port}/x`],
    [upgradeRequest("/ws"), `${https}/ws`],
    [{ path: "/x", headers: { "Transfer-Encoding": "chunked" }, method: "POST" }, `${https}/x`],
  ];
  for (const [request, location] of cases) {
    assert.deepEqual(await rig.ask(request), [308, location], JSON.stringify(request));
  }
});

Deno.test("--httpRedirectPort leads nobody to a host that is not ours", async () => {
  await using rig = await redirecting();
  const foreign: [RawRequest, number][] = [
    [{ headers: { Host: "evil.example" } }, 403],
    [{ headers: { Host: "evil.example@127.0.0.1" } }, 400],
    [{ headers: { Host: "127.0.0.1.evil.example" } }, 403],
    [{ path: "http://evil.example/" }, 403],
    [{ headers: { Origin: "https://evil.example" } }, 403],
    [{ headers: { Host: "" } }, 400],
  ];
  for (const [request, status] of foreign) {
    assert.deepEqual(await rig.ask(request), [status, null], JSON.stringify(request));
  }
});

Deno.test("--denyIp counts for HTTPS, which says nothing before its handshake, and for what leads there", async () => {
  await using rig = await redirecting("--denyIp", "127.0.0.1");
  assert.deepEqual(await rig.ask({ path: "/mcp" }), [403, null]);
  await assert.rejects(fetch(rig.keystone.mcp));
  await rig.keystone.logged(
    /Connection refused address=127\.0\.0\.1 reason="Forbidden: 127\.0\.0\.1 is in --denyIp"/,
  );
});

Deno.test("--httpRedirectPort leads to the port of --baseUrl, and knows its host and those of --allowedHost", async () => {
  await using rig = await redirecting("--baseUrl", "https://mcp.example", "--allowedHost", "other.example");
  const ask = (Host: string) => rig.ask({ path: "/mcp", headers: { Host } });
  assert.deepEqual(await ask("mcp.example"), [308, "https://mcp.example/mcp"]);
  assert.deepEqual(await ask("Other.example:8080"), [308, "https://other.example/mcp"]);
});

Deno.test("--httpRedirectPort ends who brings no request in time, and stops with the gateway", async () => {
  await using rig = await redirecting("--headerTimeout", "300ms");
  const silent = await Deno.connect({ hostname: "127.0.0.1", port: rig.port });
  assert.equal(await silent.read(new Uint8Array(1)), null);
  silent.close();
  // One that keeps its connection holds up nothing.
  using _kept = await rawRequest(rig.port, { path: "/mcp" });
  assert.equal((await rig.keystone.stop()).code, 0);
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: rig.port }));
});

Deno.test("--httpRedirectPort says where its port is taken, and then nothing is served", async () => {
  await using rig = await redirecting();
  const flags = ["--tlsSelfSigned", "--port", "0", "--httpRedirectPort", `${rig.port}`];
  const { code, stderr } = await runKeystone(flags, { server: SCRIPTED, env: rig.env });
  assert.equal(code, 2);
  const taken = `--httpRedirectPort "${rig.port}": the port is in use on 127.0.0.1; take another one, or`;
  assert(stderr.includes(`keystone: ${taken} --httpRedirectPort 0 for a free one\n`), stderr);
});
