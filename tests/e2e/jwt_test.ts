/** Tokens of an authorization server, over each wire. */
import assert from "node:assert/strict";
import * as jose from "jose";
import { DOORS } from "../support/doors.ts";
import { AUDIENCE, bearing, Issuer, signingKey } from "../support/issuer.ts";
import { eventually, type Keystone, startKeystone } from "../support/keystone.ts";
import { answer, initialize, post, request } from "../support/rpc.ts";

const ECHO = [
  "--stdio",
  `${Deno.execPath()} run -A ${new URL("../fixtures/scripted_server.ts", import.meta.url).pathname}`,
];
const NOW_S = Math.floor(Date.now() / 1000);

/** A gateway that takes tokens of this issuer for `AUDIENCE`. */
function start(issuer: Issuer, ...flags: string[]): Promise<Keystone> {
  const audience = flags.includes("--jwtAudience") || flags.includes("--baseUrl")
    ? []
    : ["--jwtAudience", AUDIENCE];
  return startKeystone(["--auth", "jwt", "--jwtIssuer", issuer.url, ...audience, ...flags, ...ECHO]);
}

async function statusOf(gateway: Keystone, token: string): Promise<number> {
  const response = await post(gateway.mcp, request(1, "ping"), { headers: bearing(token) });
  await response.body?.cancel();
  return response.status;
}

/** A token whose head and claims are these, with a signature that is this text. */
function forged(header: unknown, claims: unknown, signature = ""): string {
  return `${
    [header, claims].map((part) => jose.base64url.encode(JSON.stringify(part))).join(".")
  }.${signature}`;
}

Deno.test("--auth jwt lets in by a token that its issuer has signed for us, and by nothing else, on every wire", async (t) => {
  await using issuer = await Issuer.start(await signingKey("one", "RS256"));
  await using gateway = await start(issuer, "--jwtRefetchPause", "1h");
  const token = (claims: Record<string, unknown>) => issuer.token({ claims });
  const stranger = await signingKey("one", "RS256");
  const claims = { iss: issuer.url, sub: "ann", aud: AUDIENCE, exp: NOW_S + 3_600 };
  const pem = await jose.exportSPKI(issuer.keys[0]!.publicKey);
  const hs256 = await new jose.SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "one" })
    .sign(new TextEncoder().encode(pem));
  const valid = await token({});
  const refused: [string, string, RegExp][] = [
    ["alg none", forged({ alg: "none" }, claims), /jwt is signed in a way that is not accepted/],
    ["alg None", forged({ alg: "None", kid: "one" }, claims), /jwt is signed in a way that is not accepted/],
    ["HS256 by the public key", hs256, /jwt is signed in a way that is not accepted/],
    [
      "an algorithm of a JWK in the head",
      forged({ alg: "ES256", jwk: {} }, claims, "AA"),
      /jwt is (wrong|signed by)/,
    ],
    ["another key of the same name", await issuer.token({ key: stranger }), /jwt is wrong/],
    ["another audience", await token({ aud: "https://other.example.com" }), /jwt is for another audience/],
    ["an audience that only begins alike", await token({ aud: `${AUDIENCE}.evil` }), /for another audience/],
    ["no audience", await token({ aud: undefined }), /jwt is incomplete/],
    ["another issuer", await token({ iss: "https://evil.example" }), /jwt is of another issuer/],
    ["no subject", await token({ sub: undefined }), /jwt is incomplete/],
    ["an empty subject", await token({ sub: "" }), /jwt is incomplete/],
    ["no end", await token({ exp: undefined }), /jwt is incomplete/],
    ["expired", await token({ exp: NOW_S - 3_600 }), /jwt is expired/],
    ["not yet valid", await token({ nbf: NOW_S + 3_600 }), /jwt is not valid yet/],
    [
      "an unknown key",
      await issuer.token({ key: { ...stranger, kid: "two" } }),
      /jwt is signed by an unknown key/,
    ],
    [
      "critical what nobody knows",
      forged({ alg: "RS256", kid: "one", crit: ["x"], x: 1 }, claims, "AA"),
      /jwt is malformed/,
    ],
    [
      "altered",
      valid.replace(/\.[^.]+\./, `.${jose.base64url.encode(JSON.stringify({ ...claims, sub: "bob" }))}.`),
      /jwt is wrong/,
    ],
    ["no JSON", "YQ.YQ.YQ", /jwt is malformed/],
    ["no JWT", "abc", /the credentials are those of nobody/],
    ["encrypted", `${valid}.YQ.YQ`, /the credentials are those of nobody/],
    ["oversized", `${"x".repeat(9_000)}.${"x".repeat(9_000)}.x`, /is too large/],
  ];
  for (const [wire, knock] of DOORS) {
    await t.step(wire, async () => {
      const letIn = wire === "WebSocket" ? 101 : 200;
      assert.equal((await knock(gateway.port, { headers: bearing(valid) })).status, letIn);
      assert.equal((await knock(gateway.port, { query: `?access_token=${valid}` })).status, 401);
      for (const [what, text, logged] of refused) {
        const { status, headers, body } = await knock(gateway.port, { headers: bearing(text) });
        assert.equal(status, 401, what);
        assert.match(
          headers.get("www-authenticate") ?? "",
          /^Bearer realm="keystone", error="invalid_token", /,
        );
        assert.deepEqual(JSON.parse(body).error.data, { auth: { kinds: ["jwt"], required: true } });
        assert.doesNotMatch(body, /audience|issuer|expired|eyJ/, what);
        await gateway.logged(logged);
      }
    });
  }
  // One fetch at the beginning: within the pause afterwards no unknown key makes another one.
  assert.equal(issuer.fetches, 1);
  assert(!gateway.stderr().includes(valid) && !gateway.stderr().includes("eyJ"));
});

Deno.test("--auth jwt takes each algorithm that is accepted, a key without a name where only one fits, and scopes either way", async () => {
  const keys = await Promise.all(
    ["RS256", "PS256", "ES256", "EdDSA", "ES384"].map((alg) => signingKey(alg, alg)),
  );
  await using issuer = await Issuer.start(keys[0]);
  issuer.keys = keys;
  await using gateway = await start(
    issuer,
    "--jwtAlgorithm",
    "RS256,PS256,ES256,EdDSA",
    "--requiredScope",
    "tools",
  );
  for (const key of keys) {
    const status = key.alg === "ES384" ? 401 : 200;
    assert.equal(
      await statusOf(gateway, await issuer.token({ key, claims: { scope: "a tools" } })),
      status,
      key.alg,
    );
    const claims = { scp: ["tools"], sub: "bob" };
    assert.equal(
      await statusOf(gateway, await issuer.token({ key, claims, header: { kid: undefined } })),
      status,
    );
  }
  for (const scp of ["a tools", ["a", "tools"]]) {
    assert.equal(await statusOf(gateway, await issuer.token({ claims: { scp } })), 200);
  }
  for (
    const claims of [{}, { scope: "Tools toolset" }, { scope: 1 }, { scp: [["tools"]] }, {
      scope: "",
      scp: "tools",
    }]
  ) {
    assert.equal(await statusOf(gateway, await issuer.token({ claims })), 403, JSON.stringify(claims));
  }
});

Deno.test("--auth jwt follows its issuer to other keys, and what a key that is gone has signed ends", async () => {
  await using issuer = await Issuer.start();
  await using gateway = await start(issuer, "--jwtJwksUrl", issuer.jwksUrl, "--jwtRefetchPause", "0s");
  const [old] = issuer.keys;
  const before = await issuer.token();
  assert.equal(await statusOf(gateway, before), 200);
  assert.equal(await statusOf(gateway, before), 200);
  assert.equal(issuer.fetches, 1);
  const next = await signingKey("two");
  issuer.keys = [old!, next];
  assert.equal(await statusOf(gateway, await issuer.token({ key: next })), 200);
  assert.equal(issuer.fetches, 2);
  assert.equal(await statusOf(gateway, before), 200);
  // Either could be meant, where none is named.
  assert.equal(await statusOf(gateway, await issuer.token({ header: { kid: undefined } })), 401);
  issuer.keys = [next, await signingKey("three")];
  assert.equal(await statusOf(gateway, await issuer.token({ key: issuer.keys[1]! })), 200);
  assert.equal(await statusOf(gateway, before), 401);
});

Deno.test("--auth jwt fetches keys anew when they are old, and those of before count meanwhile", async () => {
  await using issuer = await Issuer.start();
  await using gateway = await start(issuer, "--jwtKeysAge", "1s");
  const token = await issuer.token();
  assert.equal(await statusOf(gateway, token), 200);
  issuer.down = new Response("no", { status: 500 });
  await eventually(
    () => statusOf(gateway, token),
    () =>
      /Keys that sign tokens cannot be had.* issuer=\S+ reason="http\S+\/keys is answered with status 500"/
        .test(gateway.stderr()),
  );
  // Neither one that is remembered, nor one that is not.
  for (const one of [token, await issuer.token({ claims: { sub: "bob" } })]) {
    assert.equal(await statusOf(gateway, one), 200);
  }
  issuer.down = undefined;
  issuer.keys = [await signingKey("two")];
  await eventually(() => statusOf(gateway, token), (status) => status === 401);
  assert.equal(await statusOf(gateway, await issuer.token()), 200);
});

Deno.test("--auth jwt asks no issuer for each of many tokens with unknown keys", async () => {
  await using issuer = await Issuer.start();
  await using gateway = await start(issuer, "--jwtRefetchPause", "1h");
  const stranger = await signingKey("x");
  const tokens = await Promise.all(
    Array.from({ length: 50 }, (_, i) => issuer.token({ key: { ...stranger, kid: `unknown ${i}` } })),
  );
  const statuses = await Promise.all(tokens.map((token) => statusOf(gateway, token)));
  assert.deepEqual([...new Set(statuses)], [401]);
  assert.equal(issuer.fetches, 1);
});

Deno.test("--auth jwt says 503 while the keys cannot be had, to nobody else, and lets in again once they can", async () => {
  await using issuer = await Issuer.start();
  const broken: [Response, RegExp][] = [
    [new Response("down", { status: 503 }), /oauth-authorization-server is answered with status 503/],
    [new Response(null, { status: 302, headers: { Location: "/keys" } }), /is answered with status 302/],
    [new Response("x".repeat(300_000)), /is answered with more than 262144 bytes/],
    [new Response("[]"), /is answered with no JSON object/],
  ];
  for (const [answered, logged] of broken) {
    issuer.down = answered;
    await using gateway = await start(issuer);
    const token = await issuer.token();
    for (const [wire, knock] of DOORS) {
      const { status, headers, body } = await knock(gateway.port, { headers: bearing(token) });
      assert.deepEqual([status, headers.get("retry-after"), headers.get("www-authenticate")], [
        503,
        "5",
        null,
      ], wire);
      assert.match(JSON.parse(body).error.message, /^Service Unavailable: the credentials cannot be judged/);
      assert.equal((await knock(gateway.port)).status, 401);
    }
    await gateway.logged(logged);
    issuer.down = undefined;
    await eventually(() => statusOf(gateway, token), (status) => status === 200);
  }
});

Deno.test("--auth jwt believes no metadata of another issuer, and no keys that are none", async () => {
  await using issuer = await Issuer.start();
  issuer.calledIn = `${issuer.url}/`;
  await using gateway = await start(issuer);
  assert.equal(await statusOf(gateway, await issuer.token()), 503);
  await gateway.logged(/has the metadata of another issuer, \\?"http/);
  issuer.down = Response.json({ keys: "none" });
  await using other = await start(issuer, "--jwtJwksUrl", issuer.jwksUrl);
  assert.equal(await statusOf(other, await issuer.token()), 503);
  await other.logged(/\/keys is answered with no JWK set/);
});

Deno.test("--auth jwt goes by a file of keys as it stands", async () => {
  await using issuer = await Issuer.start();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/keys.json`;
  const write = (...keys: unknown[]) => Deno.writeTextFile(path, JSON.stringify({ keys }));
  await write(issuer.keys[0]!.jwk);
  await using gateway = await start(issuer, "--jwtJwksFile", path);
  const token = await issuer.token();
  assert.equal(await statusOf(gateway, token), 200);
  const next = await signingKey("two");
  await write(next.jwk);
  await eventually(() => statusOf(gateway, token), (status) => status === 401);
  assert.equal(await statusOf(gateway, await issuer.token({ key: next })), 200);
  await write(await jose.exportJWK(next.privateKey));
  await eventually(
    () => statusOf(gateway, token),
    () => /it has a private key or a secret; expected public keys alone/.test(gateway.stderr()),
  );
  assert.equal(await statusOf(gateway, await issuer.token({ key: next })), 200);
  assert.equal(issuer.fetches, 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a session belongs to the subject of its token, and outlives it only by a newer one", async () => {
  await using issuer = await Issuer.start();
  await using gateway = await start(issuer, "--stateful", "--jwtClockSkew", "0s");
  /** On a slow machine a token may have expired before it is looked at. */
  const openShortly = async (sub: string, seconds = 2): Promise<string> => {
    const token = await issuer.token({ claims: { sub, exp: Math.floor(Date.now() / 1000) + seconds } });
    const response = await post(gateway.mcp, initialize(), { headers: bearing(token) });
    await response.body?.cancel();
    return response.headers.get("mcp-session-id") ?? await openShortly(sub, seconds * 2);
  };
  const statusIn = async (session: string, token: string) => {
    const response = await post(gateway.mcp, request(2, "ping"), { session, headers: bearing(token) });
    await response.body?.cancel();
    return response.status;
  };
  const [newer, newerOfBob] = await Promise.all(
    ["ann", "bob"].map((sub) => issuer.token({ claims: { sub } })),
  );
  assert.equal(await statusIn("none", newer!), 404);
  const kept = await openShortly("ann");
  const left = await openShortly("bob");
  assert.equal(await statusIn(left, newer!), 404);
  await gateway.logged(/Session closed .*do not count any more/);
  assert.equal(await statusIn(kept, newer!), 200);
  assert.equal(await statusIn(left, newerOfBob!), 404);
});

Deno.test("where one server is served alone, a token for one of its paths is for all of them", async () => {
  await using issuer = await Issuer.start();
  await using gateway = await start(issuer, "--baseUrl", AUDIENCE);
  const token = await issuer.token({ claims: { aud: `${AUDIENCE}/mcp` } });
  for (const [wire, knock] of DOORS) {
    const { status } = await knock(gateway.port, { headers: bearing(token) });
    assert.match(`${status}`, /^(200|101)$/, wire);
  }
  const protocols = { "Sec-WebSocket-Protocol": `mcp, bearer.${token}` };
  assert.equal((await DOORS.get("WebSocket")!(gateway.port, { headers: protocols })).status, 101);
  const office = `http://127.0.0.1:${gateway.port}/auth/ticket`;
  const { ticket } = await (await fetch(office, { method: "POST", headers: bearing(token) })).json();
  assert.equal((await DOORS.get("SSE")!(gateway.port, { query: `?ticket=${ticket}` })).status, 200);
});

Deno.test("tokens may be for the URL below which we are, or for that of a server, but not for another server's", async () => {
  await using issuer = await Issuer.start();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/keystone.json`;
  const [command, ...args] = [
    Deno.execPath(),
    "run",
    "-A",
    new URL("../fixtures/scripted_server.ts", import.meta.url).pathname,
  ];
  const server = { command, args, tryAtStart: false };
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      auth: { kinds: ["jwt"], jwtIssuer: issuer.url },
      clients: { baseUrl: "https://mcp.example.com" },
      mcpServers: { a: { ...server, requiredScope: ["read"] }, b: server },
    }),
  );
  await using gateway = await startKeystone(["--config", path]);
  const at = (path: string, claims: Record<string, unknown>) => async () => {
    const response = await post(`http://127.0.0.1:${gateway.port}${path}`, request(1, "ping"), {
      headers: bearing(await issuer.token({ claims })),
    });
    return [response.status, response.headers.get("www-authenticate"), await response.text()] as const;
  };
  const scope = "read";
  for (
    const aud of [
      AUDIENCE,
      `${AUDIENCE}/`,
      `${AUDIENCE}/a/mcp`,
      [`${AUDIENCE}/b/mcp`, `${AUDIENCE}/a/mcp`],
      "HTTPS://MCP.example.com/a/mcp",
    ]
  ) {
    assert.equal((await at("/a/mcp", { aud, scope })())[0], 200, `${aud}`);
  }
  for (
    const aud of [
      `${AUDIENCE}/b/mcp`,
      `${AUDIENCE}/a`,
      `${AUDIENCE}/a/mcp/x`,
      `${AUDIENCE}:8443`,
      "http://mcp.example.com",
    ]
  ) {
    assert.equal((await at("/a/mcp", { aud, scope })())[0], 401, aud);
  }
  assert.equal((await at("/b/mcp", { aud: AUDIENCE })())[0], 200);
  // A ticket would let in everywhere.
  assert.equal((await at("/auth/ticket", { aud: AUDIENCE })())[0], 200);
  assert.equal((await at("/auth/ticket", { aud: `${AUDIENCE}/a/mcp` })())[0], 401);
  const [status, challenge, body] = await at("/a/mcp", { aud: AUDIENCE })();
  assert.equal(status, 403);
  assert.equal(
    challenge,
    'Bearer realm="keystone", error="insufficient_scope", scope="read", ' +
      'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/a/mcp"',
  );
  assert.deepEqual(JSON.parse(body).error.data, { auth: { error: "insufficient_scope", scope: "read" } });
  const metadata = await answer(
    await fetch(`http://127.0.0.1:${gateway.port}/.well-known/oauth-protected-resource/a/mcp`),
  );
  assert.deepEqual(metadata, {
    resource: "https://mcp.example.com/a/mcp",
    authorization_servers: [issuer.url],
    scopes_supported: ["read"],
    bearer_methods_supported: ["header"],
  });
  await Deno.remove(folder, { recursive: true });
});
