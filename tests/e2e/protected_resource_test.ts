/** What clients are told of where they get a token: RFC 9728, and the challenges that lead there. */
import assert from "node:assert/strict";
import {
  discoverOAuthProtectedResourceMetadata,
  extractWWWAuthenticateParams,
  selectResourceURL,
} from "@modelcontextprotocol/sdk/client/auth.js";
import type { OAuthClientProvider } from "@modelcontextprotocol/sdk/client/auth.js";
import { DOORS } from "../support/doors.ts";
import { AUDIENCE, bearing, Issuer } from "../support/issuer.ts";
import { type Keystone, startKeystone } from "../support/keystone.ts";

const ECHO = [
  "--stdio",
  `${Deno.execPath()} run -A ${new URL("../fixtures/scripted_server.ts", import.meta.url).pathname}`,
];
const WELL_KNOWN = "/.well-known/oauth-protected-resource";

function start(issuer: Issuer, ...flags: string[]): Promise<Keystone> {
  return startKeystone(["--auth", "jwt,apiKey", "--jwtIssuer", issuer.url, ...flags, ...ECHO], {
    env: { KEYSTONE_STATE_DIR: Deno.makeTempDirSync() },
  });
}

async function metadataAt(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    metadata: response.ok ? JSON.parse(text) : text,
  };
}

Deno.test("the metadata of a protected resource are open to anybody, at the root and behind each path", async () => {
  await using issuer = await Issuer.start();
  const scopes = ["--requiredScope", "read", "--requiredScope", "delete_*=admin"];
  await using gateway = await start(issuer, "--baseUrl", AUDIENCE, ...scopes);
  const { origin } = new URL(gateway.mcp.replace(AUDIENCE, `http://127.0.0.1:${gateway.port}`));
  const common = {
    authorization_servers: [issuer.url],
    scopes_supported: ["read", "admin"],
    bearer_methods_supported: ["header"],
  };
  for (const path of ["", "/mcp", "/sse", "/message", "/ws"]) {
    const { status, headers, metadata } = await metadataAt(origin + WELL_KNOWN + path);
    assert.equal(status, 200, path);
    assert.equal(headers.get("access-control-allow-origin"), "*");
    assert.deepEqual(metadata, { resource: AUDIENCE + path, ...common });
  }
  assert.equal((await metadataAt(`${origin}${WELL_KNOWN}/other`)).status, 401);
  const posted = await fetch(origin + WELL_KNOWN, { method: "POST", body: "{}" });
  await posted.body?.cancel();
  assert.equal(posted.status, 405);
});

Deno.test("401 leads to the metadata, with what is needed, in one challenge of all kinds, on every wire", async () => {
  await using issuer = await Issuer.start();
  await using gateway = await start(
    issuer,
    "--jwtAudience",
    AUDIENCE,
    "--requiredScope",
    "read,delete_*=admin",
  );
  const paths: Record<string, string> = { "Streamable HTTP": "/mcp", SSE: "/sse", WebSocket: "/ws" };
  for (const [wire, knock] of DOORS) {
    const { headers } = await knock(gateway.port);
    const challenge = headers.get("www-authenticate") ?? "";
    const url = `http://127.0.0.1:${gateway.port}${WELL_KNOWN}${paths[wire]}`;
    assert.equal(challenge, `Bearer realm="keystone", scope="read", resource_metadata="${url}"`);
    assert.equal((await metadataAt(url)).metadata.resource, AUDIENCE);
    const wrong = (await knock(gateway.port, { headers: bearing("ks_x") })).headers.get("www-authenticate");
    assert.equal(wrong, challenge.replace(", scope", ', error="invalid_token", scope'));
  }
});

Deno.test("the official client finds the metadata by itself and by the challenge, and takes them for ours", async () => {
  await using issuer = await Issuer.start();
  await using gateway = await start(issuer, "--jwtAudience", "api://keystone", "--requiredScope", "read");
  const refused = await fetch(gateway.mcp);
  await refused.body?.cancel();
  const { resourceMetadataUrl, scope, error } = extractWWWAuthenticateParams(refused);
  assert.deepEqual([scope, error], ["read", undefined]);
  for (const options of [{}, { resourceMetadataUrl: resourceMetadataUrl! }]) {
    const metadata = await discoverOAuthProtectedResourceMetadata(gateway.mcp, options);
    assert.deepEqual(metadata.authorization_servers, [issuer.url]);
    const resource = await selectResourceURL(gateway.mcp, {} as OAuthClientProvider, metadata);
    assert.equal(resource?.href, gateway.mcp);
  }
});

Deno.test("the metadata are named as clients reach them: behind a proxy, and below a path", async () => {
  await using issuer = await Issuer.start();
  const audience = ["--jwtAudience", "api://keystone"];
  const challengeOf = async (gateway: Keystone, path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${gateway.port}${path}`, { headers });
    await response.body?.cancel();
    return /resource_metadata="([^"]+)"/.exec(response.headers.get("www-authenticate") ?? "")?.[1];
  };
  {
    await using gateway = await start(
      issuer,
      ...audience,
      "--trustProxy",
      "127.0.0.1",
      "--basePath",
      "/tools",
    );
    const proxied = {
      "X-Forwarded-Host": "mcp.example.com",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Prefix": "/x",
    };
    const named = `https://mcp.example.com/x/tools${WELL_KNOWN}/mcp`;
    assert.equal(await challengeOf(gateway, "/tools/mcp", proxied), named);
    for (const path of [`/tools${WELL_KNOWN}/mcp`, `${WELL_KNOWN}/tools/mcp`]) {
      const { metadata } = await metadataAt(`http://127.0.0.1:${gateway.port}${path}`, proxied);
      assert.equal(metadata.resource, "https://mcp.example.com/x/tools/mcp", path);
    }
    assert.equal(
      await challengeOf(gateway, "/nothing"),
      `http://127.0.0.1:${gateway.port}/tools${WELL_KNOWN}`,
    );
  }
  await using gateway = await start(issuer, ...audience, "--baseUrl", "https://mcp.example.com/x");
  const named = `https://mcp.example.com/x${WELL_KNOWN}/mcp`;
  assert.equal(await challengeOf(gateway, "/mcp", { "X-Forwarded-Host": "evil.example" }), named);
  const { metadata } = await metadataAt(`http://127.0.0.1:${gateway.port}${WELL_KNOWN}/x/mcp`);
  assert.equal(metadata.resource, "https://mcp.example.com/x/mcp");
});

Deno.test("a gateway that takes no tokens of an issuer has no such metadata", async () => {
  await using gateway = await startKeystone(ECHO);
  const { status } = await metadataAt(`http://127.0.0.1:${gateway.port}${WELL_KNOWN}`);
  assert.equal(status, 404);
});
