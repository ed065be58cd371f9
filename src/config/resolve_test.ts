import assert from "node:assert/strict";
import { flat, type FlatConfig, resolved } from "../../tests/support/config.ts";
import { ConfigError } from "../core/errors.ts";
import type { RawOptions } from "./options.ts";

function config(raw: RawOptions = {}): FlatConfig {
  return flat(resolved({ stdio: "some-server", ...raw }).config);
}

/** As `config`, with a remote server. */
function remoteConfig(raw: RawOptions = {}): FlatConfig {
  return flat(resolved(raw, { argv: [], url: new URL("https://host/mcp") }).config);
}

function refusal(raw: RawOptions, argv: readonly string[] = []): string {
  try {
    resolved(raw, { argv });
  } catch (error) {
    assert(error instanceof ConfigError);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  throw new assert.AssertionError({ message: "Accepted" });
}

const UNFILTERED = { allow: undefined, deny: [] };

Deno.test("resolve fills in every default and leaves out what has none", () => {
  assert.deepEqual(config(), {
    allowPrivateRedirects: false,
    server: {
      kind: "command",
      flag: "--stdio",
      program: "some-server",
      args: [],
      shell: false,
      label: "some-server",
      name: "some-server",
    },
    env: {},
    children: "auto",
    tryAtStart: true,
    exitOnFailure: false,
    prewarm: 0,
    maxChildren: 100,
    restart: "on-failure",
    restartDelay: { firstDelayMs: 500, maxDelayMs: 30_000 },
    crash: { limit: 5, windowMs: 60_000, probeMs: 30_000 },
    eventStore: "memory",
    eventLimits: { bytes: 67_108_864, events: 1000, ageMs: 1_800_000 },
    evictAfterMs: 60_000,
    queueTimeoutMs: 5_000,
    maxRequestMs: 86_400_000,
    callTimeouts: [],
    filter: { tools: UNFILTERED, prompts: UNFILTERED, resources: UNFILTERED },
    exitWithParent: false,
    runtimePrompt: false,
    watch: false,
    transports: ["streamableHttp", "sse", "ws"],
    host: "127.0.0.1",
    tlsSelfSigned: false,
    port: 8000,
    baseUrl: "",
    basePath: "",
    trustProxy: [],
    paths: { ssePath: "/sse", messagePath: "/message", streamableHttpPath: "/mcp", wsPath: "/ws" },
    healthEndpoints: [],
    allowedHosts: [],
    allowedOrigins: [],
    allowIp: [],
    denyIp: [],
    maxTrackedCallers: 10_000,
    authAttempts: 10,
    authAttemptWindowMs: 600_000,
    authWaitMs: 1_000,
    authMaxWaitMs: 300_000,
    anonymousScopes: [],
    apiKeyInQuery: false,
    authKinds: [],
    authOptional: false,
    signatureSkewMs: 60_000,
    maxNonces: 500_000,
    algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
    audiences: [],
    clockSkewMs: 30_000,
    keysAgeMs: 600_000,
    refetchPauseMs: 30_000,
    fetchTimeoutMs: 5_000,
    maxFetchBytes: 256 * 2 ** 10,
    maxTokens: 10_000,
    requiredScopes: [],
    headers: [],
    headerToEnv: [],
    headerToHeader: [],
    stateful: false,
    sessionTimeoutMs: 1_800_000,
    protocolVersion: "2025-11-25",
    serverEra: "auto",
    eraProbeTimeoutMs: 5_000,
    parkedCalls: { ttlMs: 300_000, maxCalls: 1000, maxPerPrincipal: 100 },
    maxBodyBytes: 4 * 2 ** 20,
    maxMessageBytes: 16 * 2 ** 20,
    clientLimits: { maxDepth: 512, maxBatch: 100, maxParts: 100_000, partsOption: "maxBodyParts" },
    serverLimits: { maxDepth: 512, maxBatch: 100, maxParts: 1_000_000, partsOption: "maxMessageParts" },
    maxSessions: 100,
    maxOpenRequests: 1000,
    maxBufferedMessages: 1000,
    maxBufferedBytes: 64 * 2 ** 20,
    maxHeaderBytes: 65_536,
    headerTimeoutMs: 10_000,
    idleTimeoutMs: 75_000,
    maxSubscriptions: 500,
    maxUriChars: 8192,
    maxHandshakeChars: 256 * 2 ** 10,
    maxIdChars: 1024,
    maxBodiesBytes: 128 * 1024 * 1024,
    bodyTimeoutMs: 60_000,
    maxUnreadBytes: 128 * 1024 * 1024,
    stallTimeoutMs: 60_000,
    keepAliveMs: 15_000,
    connectTimeoutMs: 30_000,
    remoteIdleMs: 1_500,
    retry: { attempts: 4, firstDelayMs: 500, maxDelayMs: 30_000 },
    startTimeoutMs: 60_000,
    stopTimeoutMs: 5000,
    shutdownTimeoutMs: 5000,
    replyMode: "auto",
    slowRequestMs: 10_000,
    logFormat: "text",
    logLevel: "info",
    logMaxBytes: 10 * 2 ** 20,
    logKeep: 5,
    recordsArguments: false,
    maxBytes: 104_857_600,
    keep: 10,
  });
});

Deno.test("resolve gives optional settings when they are set", () => {
  const { cwd, tlsCert, tlsKey, requestTimeoutMs, caFile, headerFile } = config({
    cwd: "/srv",
    tlsCert: "c.pem",
    tlsKey: "k.pem",
    requestTimeout: "30s",
    caFile: "ca.pem",
    headerFile: "headers.txt",
  });
  assert.deepEqual([cwd, tlsCert, tlsKey, requestTimeoutMs], ["/srv", "c.pem", "k.pem", 30_000]);
  assert.deepEqual([caFile, headerFile], ["ca.pem", "headers.txt"]);
  assert.equal(remoteConfig({ oauth2Bearer: "t" }).oauth2Bearer, "t");
  assert.equal(remoteConfig({ oauth2BearerFile: "t.txt" }).oauth2BearerFile, "t.txt");
});

Deno.test("resolve gathers what is tried again, and for how long a connection may take", () => {
  const raw = { retryAttempts: "0", retryDelay: "1s", retryMaxDelay: "2m", connectTimeout: "3s" };
  const { retry, connectTimeoutMs } = remoteConfig(raw);
  assert.deepEqual(retry, { attempts: 0, firstDelayMs: 1000, maxDelayMs: 120_000 });
  assert.equal(connectTimeoutMs, 3000);
  assert.match(
    refusal({ stdio: "x", retryAttempts: "-1" }),
    /^--retryAttempts "-1": expected a whole number/,
  );
  assert.match(
    refusal({ stdio: "x", connectTimeout: "0" }),
    /^--connectTimeout "0": expected a time from 1ms/,
  );
});

Deno.test("resolve names the flag, the value and what is allowed", () => {
  const stdio = "x";
  assert.equal(refusal({ stdio, port: "abc" }), '--port "abc": expected a whole number from 0 to 65535');
  assert.equal(
    refusal({ stdio, logLevel: "loud" }),
    '--logLevel "loud": expected debug, info, warn, error or none',
  );
  assert.equal(
    refusal({ stdio, cors: ["*", "/[/"] }),
    '--cors "/[/": expected a regular expression between the slashes',
  );
  assert.match(refusal({ stdio, sessionTimeout: "0" }), /^--sessionTimeout "0": expected a time from 1ms/);
  assert.match(
    refusal({ stdio, protocolVersion: "2026-07-28" }),
    /^--protocolVersion "2026-07-28": expected 2024-11-05, /,
  );
  assert.match(refusal({ stdio, wsPath: "a\nb" }), /^--wsPath "a\\nb": expected a path/);
  assert.match(refusal({ stdio, wsPath: "x".repeat(500) }), /^--wsPath "x{79}…: expected a path/);
});

Deno.test("resolve shows the place of a secret value in its list and not the value", () => {
  const stdio = "x";
  assert.match(refusal({ stdio, env: ["A=1", "s3cret"] }), /^--env \(value 2\): expected KEY=VALUE/);
  assert.match(
    refusal({ stdio, header: ["bad name: s3cret"] }),
    /^--header: expected "Name: value", but "bad name" is/,
  );
  assert.doesNotMatch(refusal({ stdio, header: ["s3cret"] }), /s3cret/);
});

Deno.test("resolve refuses a bearer token that no header can carry, or two of them, and shows none", () => {
  const sse = "https://host/";
  for (const oauth2Bearer of ["", "s3cret token", "s3cret\n", "s3cret\u00e9"]) {
    assert.equal(refusal({ sse, oauth2Bearer }), "--oauth2Bearer: expected one token without spaces");
  }
  assert.equal(
    refusal({ sse, oauth2Bearer: "s3cret", oauth2BearerFile: "token.txt" }),
    "--oauth2BearerFile: expected it or --oauth2Bearer, but both are given",
  );
  assert.match(
    refusal({ stdio: "x", oauth2BearerFile: "token.txt" }),
    /^--oauth2BearerFile: protects nothing with a stdio server/,
  );
});

Deno.test("resolve refuses --oauth2Bearer with a command and says what keeps clients out instead", () => {
  const message = refusal({ stdio: "x", oauth2Bearer: "s3cret" });
  assert.match(message, /^--oauth2Bearer: protects nothing with a stdio server/);
  assert.match(message, /keep strangers out by --auth bearer or by the address that --host binds$/);
  assert.doesNotMatch(message, /s3cret/);
});

Deno.test("resolve takes each transport once", () => {
  assert.deepEqual(config({ outputTransport: ["ws", "sse", "ws"] }).transports, ["ws", "sse"]);
});

Deno.test("resolve serves a remote server over stdio and a command over the network, unless told otherwise", () => {
  assert.deepEqual(remoteConfig().transports, ["stdio"]);
  assert.deepEqual(config().transports, ["streamableHttp", "sse", "ws"]);
  assert.deepEqual(config({ outputTransport: ["stdio"] }).transports, ["stdio"]);
  assert.deepEqual(remoteConfig({ outputTransport: ["sse", "stdio"] }).transports, ["sse", "stdio"]);
});

Deno.test("resolve names the transports that there are", () => {
  const expected = /: expected streamableHttp, sse, ws or stdio$/;
  assert.match(refusal({ stdio: "x", outputTransport: ["http"] }), expected);
  assert.match(refusal({ stdio: "x", outputTransport: [] }), expected);
});

Deno.test("resolve wants a certificate and its key together", () => {
  assert.equal(
    refusal({ stdio: "x", tlsCert: "c.pem" }),
    '--tlsCert "c.pem": expected --tlsKey beside it, since HTTPS needs both',
  );
  assert.match(refusal({ stdio: "x", tlsKey: "k.pem" }), /^--tlsKey "k.pem": expected --tlsCert/);
});

Deno.test("resolve wants one certificate, and redirects only where there is one", () => {
  const pair = { tlsCert: "c.pem", tlsKey: "k.pem" };
  const both = refusal({ stdio: "x", tlsSelfSigned: true, ...pair });
  assert.equal(both, "--tlsSelfSigned: expected it or --tlsCert, but both are given");
  assert.equal(
    refusal({ stdio: "x", httpRedirectPort: "8080" }),
    '--httpRedirectPort "8080": expected --tlsCert and --tlsKey beside it, or --tlsSelfSigned, since it leads to HTTPS',
  );
  assert.equal(
    refusal({ stdio: "x", port: "8443", httpRedirectPort: "8443", ...pair }),
    '--httpRedirectPort "8443": expected another port than that of --port, where HTTPS is',
  );
  assert.match(refusal({ stdio: "x", httpRedirectPort: "-1", ...pair }), /whole number from 0 to 65535$/);
  const { tlsSelfSigned, httpRedirectPort } = config({ tlsSelfSigned: true, httpRedirectPort: "0" });
  assert.deepEqual([tlsSelfSigned, httpRedirectPort], [true, 0]);
});

Deno.test("resolve turns a star among the CORS origins into any origin", () => {
  assert.equal(config({ cors: ["https://a.example", "*"] }).cors, "*");
  assert.deepEqual(config({ cors: ["https://a.example", "/b/"] }).cors, ["https://a.example", /^(?:b)$/]);
});

Deno.test("resolve keeps the last of two equal headers, whatever their case", () => {
  const { headers } = config({ header: ["A: 1", "B: 2", "a: 3"] });
  assert.deepEqual(headers, [["a", "3"], ["B", "2"]]);
});

Deno.test("resolve makes the server's environment of pairs, and the last wins", () => {
  const { env } = config({ env: ["A=1", "__proto__=x", "A=2"] });
  assert.deepEqual(Object.entries(env), [["A", "2"], ["__proto__", "x"]]);
});

Deno.test("resolve warns of flags that have no effect", () => {
  const command = { stdio: "x", stateful: "true", outputTransport: ["sse"], caFile: "ca.pem" };
  const headers = { header: ["A: s3cret"], headerFile: "h.txt" };
  assert.deepEqual(resolved({ ...command, ...headers }, { argv: [] }).warnings, [
    "--stateful has no effect without the streamableHttp transport",
    "--header has no effect with a stdio server: it is for remote servers",
    "--headerFile has no effect with a stdio server: it is for remote servers",
    "--caFile has no effect with a stdio server: it is for remote servers",
  ]);
  assert.deepEqual(resolved({ ws: "ws://host", env: ["A=s3cret"], cwd: "/srv" }, { argv: [] }).warnings, [
    "--env has no effect with a remote server: it is for commands",
    "--cwd has no effect with a remote server: it is for commands",
  ]);
  const raw = { ws: "ws://host", prewarm: "2", crashLimit: "3", eventStoreSize: "1m" };
  assert.deepEqual(resolved(raw, { argv: [] }).warnings, [
    "--prewarm has no effect with a remote server: it is for commands",
    "--crashLimit has no effect with a remote server: it is for commands",
    "--eventStoreSize has no effect without --stateful",
  ]);
});

Deno.test("resolve warns of a pattern for origins that no origin has", () => {
  const warningsOf = (pattern: string) =>
    resolved({ stdio: "x", cors: [`/${pattern}/`] }, { argv: [] }).warnings;
  for (
    const pattern of [
      ...["localhost", "example.com", String.raw`example\.com`, String.raw`^localhost(:\d+)?$`],
      ...[String.raw`(app|www)\.example\.com`, String.raw`\w+\.example\.(com|org)`, "https:example.com"],
    ]
  ) {
    assert.deepEqual(warningsOf(pattern), [
      `--cors ${
        JSON.stringify(`/${pattern}/`)
      } lets nobody in: a pattern is held against the whole origin, ` +
      "which begins with a scheme; put that in front, as in /https?:\\/\\/localhost(:\\d+)?/",
    ], pattern);
  }
  for (
    const pattern of [
      ...[
        String.raw`https?:\/\/localhost`,
        "https://example.com",
        ".*",
        ".+example.com",
        "null",
        "(null|x)",
        "[a-z]+",
      ],
      ...[String.raw`\S+\.example\.com`, "[^a]*example.com", "https:..example.com", "(.)+example"],
      ...[String.raw`\x2f\x2fa`, String.raw`https:(?:\W){2}example\.com`, "https:[/]{2}example"],
    ]
  ) assert.deepEqual(warningsOf(pattern), [], pattern);
});

Deno.test("resolve warns of nothing that has an effect", () => {
  assert.deepEqual(resolved({ stdio: "x", stateful: "true", env: ["A=1"] }, { argv: [] }).warnings, []);
  const remote = { ws: "ws://host", ...{ header: ["A: b"], headerFile: "h.txt", caFile: "ca.pem" } };
  assert.deepEqual(resolved(remote, { argv: [] }).warnings, []);
});

Deno.test("resolve refuses any address but loopback where nobody is asked who he is", () => {
  const opened = (host: string, more: RawOptions = {}) => () => resolved({ stdio: "x", host, ...more });
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "gateway.example", "[::]"]) {
    for (const more of [{}, { auth: ["none"] }]) {
      assert.throws(opened(host, more), {
        message: new RegExp(
          `^--host ".+": anybody who reaches this machine could call the server; expected --auth apiKey beside it, ` +
            "or another kind, or --unauthenticated where",
        ),
      });
    }
    opened(host, { unauthenticated: true })();
    opened(host, { auth: ["apiKey"] })();
  }
  for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "::1"]) opened(host)();
  opened("0.0.0.0", { outputTransport: ["stdio"] })();
});

Deno.test("resolve warns of secrets that go over a network unencrypted", () => {
  const warnings = (more: RawOptions) =>
    resolved({ stdio: "x", host: "0.0.0.0", auth: ["apiKey"], ...more }).warnings;
  assert.match(
    warnings({})[0] ?? "",
    /^Callers send secrets unencrypted \(apiKey\); add --tlsSelfSigned or --tlsCert, or give the https URL/,
  );
  assert.deepEqual(warnings({ tlsSelfSigned: true }), []);
  assert.deepEqual(warnings({ baseUrl: "https://mcp.example.com" }), []);
  assert.deepEqual(warnings({ host: "127.0.0.1" }), []);
  const signed = { auth: ["keypair"], authorizedKeys: "k", allowedHost: ["a.example"] };
  assert.deepEqual(warnings(signed), []);
});

Deno.test("resolve refuses options of authentication that protect nothing by themselves, or contradict each other", () => {
  const cases: [RawOptions, RegExp][] = [
    [{ bearerTokenFile: "t" }, /^--bearerTokenFile: protects nothing without --auth bearer$/],
    [{ bearerToken: "x".repeat(20) }, /^--bearerToken: protects nothing without --auth bearer$/],
    [{ authorizedKeys: "k" }, /^--authorizedKeys: protects nothing without --auth keypair$/],
    [{ maxNonces: "5" }, /^--maxNonces: protects nothing without --auth keypair$/],
    [{ auth: ["keypair"] }, /^--auth keypair: expected --authorizedKeys beside it/],
    [
      { auth: ["keypair"], authorizedKeys: "k", host: "0.0.0.0", allowedHost: ["*"] },
      /^--auth keypair: expected --baseUrl with the URL that callers use, or --allowedHost with its host/,
    ],
    [{ identity: "k", host: "::", unauthenticated: true }, /^--identity: expected --baseUrl with the URL/],
    [{ apiKeyFile: "k" }, /^--apiKeyFile: protects nothing without --auth apiKey$/],
    [{ apiKeyInQuery: true }, /^--apiKeyInQuery: expected --auth apiKey beside it$/],
    [
      { auth: ["bearer"] },
      /^--auth bearer: expected --bearerTokenFile beside it, or a token in KEYSTONE_BEARER_TOKEN$/,
    ],
    [
      { auth: ["none", "apiKey"] },
      /^--auth \["none","apiKey"\]: expected none or other kinds, but both are given$/,
    ],
    [
      { auth: ["apiKey"], unauthenticated: true },
      /^--unauthenticated: expected it or --auth, but both are given/,
    ],
    [{ authOptional: true }, /^--authOptional: expected --auth beside it/],
    [{ auth: ["apiKey"], anonymousScope: ["a"] }, /^--anonymousScope: expected --authOptional beside it/],
    [{ auth: ["key"] }, /^--auth "key": expected apiKey, bearer, basic, keypair, jwt or none$/],
    [
      { auth: ["apiKey"], authOptional: true, anonymousScope: ["a b"] },
      /^--anonymousScope "a b": expected a scope/,
    ],
  ];
  for (const [raw, says] of cases) {
    assert.throws(() => resolved({ stdio: "x", ...raw }), { message: says }, JSON.stringify(raw));
  }
});

Deno.test("resolve takes a signature on any address where the server has a name", () => {
  const keypair = { stdio: "x", host: "0.0.0.0", auth: ["keypair"], authorizedKeys: "k" };
  for (
    const named of [{ baseUrl: "https://a.example" }, { allowedHost: ["a.example"] }, { host: "192.0.2.1" }]
  ) {
    assert.deepEqual(config({ ...keypair, ...named }).authKinds, ["keypair"]);
  }
  assert.equal(
    refusal({ streamableHttp: "http://host/", serverKey: `SHA256:${"x".repeat(43)}`, knownHosts: "k" }),
    "--knownHosts: expected it or --serverKey, but both are given",
  );
});

Deno.test("resolve wants to know whose tokens count, for whom they are, and from where the keys come", () => {
  const jwtIssuer = "https://login.example.com";
  const jwt = { auth: ["jwt"], jwtIssuer, jwtAudience: ["https://mcp.example.com"] };
  const cases: [RawOptions, RegExp][] = [
    [
      { ...jwt, jwtIssuer: undefined },
      /^--auth jwt: expected --jwtIssuer beside it, which says whose tokens count$/,
    ],
    [
      { auth: ["jwt"], jwtIssuer },
      /^--auth jwt: expected --jwtAudience beside it, or a URL as --baseUrl, which says/,
    ],
    [{ auth: ["jwt"], jwtIssuer, baseUrl: "/x" }, /^--auth jwt: expected --jwtAudience beside it/],
    [
      { ...jwt, jwtJwksUrl: "http://k", jwtJwksFile: "k" },
      /^--jwtJwksFile: expected it or --jwtJwksUrl, but both/,
    ],
    [{ ...jwt, jwtAlgorithm: [] }, /^--jwtAlgorithm "": expected one at least, such as ES256$/],
    ...["none", "HS256", "rs256"].map((name): [RawOptions, RegExp] => [
      { ...jwt, jwtAlgorithm: [name] },
      new RegExp(`^--jwtAlgorithm "${name}": expected RS256, .* or EdDSA$`),
    ]),
    ...["login.example.com", "ftp://x", "https://x?a=b", "https://x/#a", "https://a:b@x", "https://x y"].map((
      jwtIssuer,
    ): [RawOptions, RegExp] => [
      { ...jwt, jwtIssuer },
      /^--jwtIssuer ".+": expected an http\(s\) URL without/,
    ]),
    [{ jwtIssuer }, /^--jwtIssuer: protects nothing without --auth jwt$/],
    [
      { requiredScope: ["read"] },
      /^--requiredScope: expected --auth beside it, since nobody is granted a scope/,
    ],
    [{ auth: ["apiKey"], requiredScope: ["a b"] }, /^--requiredScope "a b": expected a scope, such as tools/],
  ];
  for (const [raw, says] of cases) {
    assert.throws(() => resolved({ stdio: "x", ...raw }), { message: says }, JSON.stringify(raw));
  }
  assert.equal(resolved({ stdio: "x", ...jwt }).config.process.jwt.issuer, jwtIssuer);
  resolved({ stdio: "x", auth: ["jwt"], jwtIssuer, baseUrl: "https://mcp.example.com" });
});

Deno.test("resolve refuses two routes on one path", () => {
  assert.match(refusal({ stdio: "x", ssePath: "/mcp" }), /^--ssePath "\/mcp": taken by --streamableHttpPath/);
});
