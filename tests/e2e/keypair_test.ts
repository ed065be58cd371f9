/** `--auth keypair`: requests that are signed, over each wire, by hand and by Keystone itself. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { Certificates, hasOpenssl } from "../support/certificates.ts";
import { DOORS } from "../support/doors.ts";
import { eventually, type Keystone, runKeystone, startKeystone } from "../support/keystone.ts";
import { ACCEPT, callTool, initialize } from "../support/rpc.ts";
import { rawRequest } from "../support/raw_http.ts";
import { HttpRemote } from "../support/scripted_remote.ts";
import { digestOf, Signatory, signed, type Signing } from "../support/signed.ts";

const ECHO = [
  "--stdio",
  `${Deno.execPath()} run -A ${new URL("../fixtures/scripted_server.ts", import.meta.url).pathname}`,
];

/** What is asked for at each door. */
const WIRES: ReadonlyMap<string, { readonly path: string; readonly body?: string; readonly letIn: number }> =
  new Map([
    ["Streamable HTTP", { path: "/mcp", body: JSON.stringify(initialize(1)), letIn: 200 }],
    ["SSE", { path: "/sse", letIn: 200 }],
    ["WebSocket", { path: "/ws", letIn: 101 }],
  ]);

/** What is signed within the second of the start does not count. */
async function nextSecond(): Promise<void> {
  const end = Math.floor(Date.now() / 1000 + 1) * 1000;
  await eventually(() => Promise.resolve(Date.now()), (now) => now >= end);
}

/** A folder with a file of authorised keys. */
class Authorized implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "keystone-keypair-" });
  readonly path = `${this.folder}/authorized_keys`;
  readonly env = { KEYSTONE_STATE_DIR: this.folder };

  constructor(...lines: readonly string[]) {
    this.write(...lines);
  }

  write(...lines: readonly string[]): void {
    Deno.writeTextFileSync(this.path, lines.map((line) => `${line}\n`).join(""));
    Deno.chmodSync(this.path, 0o644);
  }

  async start(...flags: readonly string[]): Promise<Keystone> {
    const auth = ["--auth", "keypair", "--authorizedKeys", this.path];
    const gateway = await startKeystone([...auth, ...flags, ...ECHO], { env: this.env });
    await nextSecond();
    return gateway;
  }

  /** A private key of its own as a file. */
  async keep(name: string, { pem }: Signatory): Promise<string> {
    const path = `${this.folder}/${name}`;
    await Deno.writeTextFile(path, pem, { mode: 0o600 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("--auth keypair lets in who signs each request, and nobody else, on every wire", async (t) => {
  const [valid, stranger] = [new Signatory(), new Signatory()];
  await using authorized = new Authorized("# whose keys", `${valid.line} ci tools,files`);
  const startedS = Math.floor(Date.now() / 1000);
  await using gateway = await authorized.start("--stateful");
  for (const [wire, knock] of DOORS) {
    await t.step(wire, async () => {
      const { path, letIn, body } = WIRES.get(wire)!;
      const url = `http://127.0.0.1:${gateway.port}${path}`;
      const right: Signing = {
        url,
        method: body === undefined ? "GET" : "POST",
        ...body !== undefined && { body },
      };
      const ask = (headers: Record<string, string>, query = "") => knock(gateway.port, { headers, query });
      assert.equal((await ask(signed(valid, right))).status, letIn);
      // Nobody knows any more which ones were used before the start.
      const created = startedS - 5 - Math.floor(Date.now() / 1000);
      const before = await ask(signed(valid, { ...right, created, expires: created + 60 }));
      assert.deepEqual([before.status, before.headers.get("retry-after")], [503, "5"]);
      assert.equal((await ask(signed(valid, { ...right, created: 2, expires: 32 }))).status, letIn, "early");
      const used = signed(valid, right);
      assert.equal((await ask(used)).status, letIn);
      const input = (headers: Record<string, string>) => headers["signature-input"] ?? "";
      const refused: [string, Record<string, string>, RegExp][] = [
        ["absent", {}, /credentials are needed/],
        ["unknown", signed(stranger, right), /keypair is unknown/],
        ["by another key", signed(stranger, { ...right, keyid: valid.fingerprint }), /keypair ci is wrong/],
        ["replayed", used, /keypair ci is replayed/],
        [
          "nonce used twice",
          signed(valid, { ...right, nonce: /nonce="([^"]+)"/.exec(input(used))?.[1] ?? "" }),
          /replayed/,
        ],
        ["expired", signed(valid, { ...right, created: -100, expires: -70 }), /keypair ci is expired/],
        ["of the future", signed(valid, { ...right, created: 100, expires: 130 }), /ci is not valid yet/],
        ["for too long", signed(valid, { ...right, expires: 3_600 }), /ci is malformed/],
        ["for another method", signed(valid, { ...right, method: "PUT" }), /ci is wrong/],
        ["for another path", signed(valid, { ...right, url: `${url}x` }), /ci is wrong/],
        ["for another query", signed(valid, { ...right, url: `${url}?a=1` }), /ci is wrong/],
        [
          "for another host",
          signed(valid, { ...right, url: url.replace("127.0.0.1", "192.0.2.1") }),
          /ci is wrong/,
        ],
        ["for another port", signed(valid, { ...right, url: url.replace(/:\d+/, ":1") }), /ci is wrong/],
        ["for another scheme", signed(valid, { ...right, url: url.replace("http", "https") }), /ci is wrong/],
        [
          "for something else",
          signed(valid, { ...right, tag: "web-bot-auth" }),
          /ci is meant for something else/,
        ],
        ["without a part of the base", signed(valid, { ...right, components: ["@method"] }), /is incomplete/],
        ...["created", "expires", "nonce", "tag"].map((
          name,
        ): [string, Record<string, string>, RegExp] => [
          `without ${name}`,
          signed(valid, { ...right, without: [name] }),
          /is incomplete/,
        ]),
        ["with an empty nonce", signed(valid, { ...right, nonce: "" }), /ci is malformed/],
        [
          "with a nonce that is too long",
          signed(valid, { ...right, nonce: "n".repeat(200) }),
          /ci is malformed/,
        ],
        ["half", { signature: used["signature"] ?? "" }, /is incomplete/],
        ["malformed", { ...used, "signature-input": "sig=(" }, /is malformed/],
        ["no bytes", { ...used, signature: "sig=x" }, /is malformed/],
        ["oversized", { ...used, "signature-input": `sig=("${"x".repeat(10_000)}")` }, /is too large/],
        ["fields in another order", swapped(signed(valid, right)), /ci is wrong/],
      ];
      for (const [what, headers, logged] of refused) {
        const { status, headers: told, body } = await ask(headers);
        assert.equal(status, 401, `${what}: ${body}`);
        assert.match(told.get("www-authenticate") ?? "", /^Signature realm="keystone", tag="mcp"/, what);
        assert.deepEqual(JSON.parse(body).error.data, { auth: { kinds: ["keypair"], required: true } });
        assert.doesNotMatch(body, /expired|wrong|unknown|replayed/, what);
        await gateway.logged(logged);
      }
      // What was signed is what was asked for, its query included.
      assert.equal((await ask(signed(valid, { ...right, url: `${url}?a=1` }), "?a=1")).status, letIn);
      assert.equal((await ask(signed(valid, right), "?a=1")).status, 401);
      // The order of the headers does not matter where it is not signed.
      const backwards = Object.fromEntries(Object.entries(signed(valid, right)).reverse());
      assert.equal((await ask(backwards)).status, letIn);
    });
  }
});

/** The components named the other way round, of what was signed in order. */
function swapped(headers: Record<string, string>): Record<string, string> {
  return {
    ...headers,
    "signature-input": (headers["signature-input"] ?? "").replace(
      '"@method" "@target-uri"',
      '"@target-uri" "@method"',
    ),
  };
}

Deno.test("what was used before a restart does not count behind it, also where a clock is ahead", async () => {
  const valid = new Signatory();
  await using authorized = new Authorized(`${valid.line} ci`);
  const SSE = DOORS.get("SSE")!;
  await using before = await startKeystone(
    ["--auth", "keypair", "--authorizedKeys", authorized.path, ...ECHO],
    { env: authorized.env },
  );
  const { port } = before;
  const ask = async (headers: Record<string, string>) => (await SSE(port, { headers })).status;
  const sign = (created: number) => signed(valid, { url: before.sse, created, expires: created + 60 });
  await nextSecond();
  const used = [sign(4), sign(1), sign(0)];
  for (const headers of used) assert.equal(await ask(headers), 200);
  await before.stop();
  await using _ = await authorized.start("--port", `${port}`);
  for (const headers of used) assert.equal(await ask(headers), 503);
  assert.equal(await ask(sign(0)), 200);
});

Deno.test("what is signed with the body is the body that counts, whole, packed or in pieces", async (t) => {
  const valid = new Signatory();
  await using authorized = new Authorized(`${valid.line} ci`);
  await using gateway = await authorized.start("--stateful");
  const url = gateway.mcp;
  const body = JSON.stringify(initialize(1));
  const large = JSON.stringify(callTool(1, "echo", { text: "x".repeat(100_000) }));
  const json = { "Content-Type": "application/json", Accept: ACCEPT };
  const ask = async (sent: BodyInit, headers: Record<string, string>, method = "POST") => {
    const response = await fetch(url, { method, headers: { ...json, ...headers }, body: sent });
    return { status: response.status, text: await response.text() };
  };
  const right: Signing = { method: "POST", url, body };
  await t.step("an altered body is refused before it is parsed", async () => {
    for (const sent of [body.replace("test", "tess"), `${body} `, "", "{", large]) {
      const { status, text } = await ask(sent, signed(valid, right));
      assert.equal(status, 401, text);
      assert.deepEqual(JSON.parse(text).error.data.auth.kinds, ["keypair"]);
    }
    await gateway.logged(/keypair ci is that of another body/);
    const { status } = await ask(large.replace("xx", "xy"), signed(valid, { ...right, body: large }));
    assert.equal(status, 401);
  });
  await t.step("a body that is not signed is refused", async () => {
    const { "content-digest": _, ...headers } = signed(valid, {
      ...right,
      components: ["@method", "@target-uri"],
    });
    assert.equal((await ask(body, headers)).status, 401);
    // A digest that is there, and is not signed.
    const beside = { ...headers, "content-digest": digestOf(body) };
    assert.equal((await ask(body, beside)).status, 401);
    await gateway.logged(/is incomplete/);
  });
  await t.step("digests that are no use are refused", async () => {
    for (const digest of ["sha-256=x", "md5=:AAAA:", "sha-256", ""]) {
      const headers = signed(valid, {
        ...right,
        digest,
        components: ["@method", "@target-uri", "content-digest"],
      });
      assert.equal((await ask(body, headers)).status, 401, digest);
    }
  });
  await t.step("the same body counts in one piece, in many, and packed", async () => {
    assert.equal((await ask(body, signed(valid, right))).status, 200);
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of new TextEncoder().encode(body)) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    assert.equal((await ask(pieces, signed(valid, right))).status, 200);
    const packed = new Uint8Array(gzipSync(body));
    const { createHash } = await import("node:crypto");
    const digest = `sha-256=:${createHash("sha256").update(packed).digest("base64")}:`;
    const gzip = { "Content-Encoding": "gzip" };
    assert.equal((await ask(packed, { ...signed(valid, { ...right, digest }), ...gzip })).status, 200);
    assert.equal((await ask(packed, { ...signed(valid, right), ...gzip })).status, 401);
    const strong = `sha-512=:${createHash("sha512").update(body).digest("base64")}:, sha-256=:AAAA:`;
    assert.equal((await ask(body, signed(valid, { ...right, digest: strong }))).status, 200);
  });
});

Deno.test("a key that is added or taken away counts without a restart, and what it has opened ends", async () => {
  const [first, second] = [new Signatory(), new Signatory()];
  await using authorized = new Authorized(`${first.line} first`);
  await using gateway = await authorized.start("--stateful");
  const statusOf = async (signatory: Signatory) => {
    const body = JSON.stringify(initialize(1));
    const headers = signed(signatory, { method: "POST", url: gateway.mcp, body });
    const json = { "Content-Type": "application/json", Accept: ACCEPT };
    const response = await fetch(gateway.mcp, { method: "POST", headers: { ...json, ...headers }, body });
    await response.body?.cancel();
    return response.status;
  };
  assert.deepEqual([await statusOf(first), await statusOf(second)], [200, 401]);
  const stream = await fetch(gateway.sse, { headers: signed(first, { url: gateway.sse }) });
  assert.equal(stream.status, 200);
  authorized.write(`${second.line} second`);
  await eventually(() => statusOf(second), (status) => status === 200);
  assert.equal(await statusOf(first), 401);
  await stream.text();
  authorized.write("ssh-rsa AAAA first");
  const trouble =
    /Credentials cannot be read, and those before still count .*line 1: expected a key of Ed25519/;
  await eventually(async () => [await statusOf(second), gateway.stderr()] as const, ([status, log]) => {
    assert.equal(status, 200);
    return trouble.test(log);
  });
});

Deno.test("a session belongs to whose key has opened it", async () => {
  const [owner, thief] = [new Signatory(), new Signatory()];
  await using authorized = new Authorized(`${owner.line} owner`, `${thief.line} thief`);
  await using gateway = await authorized.start("--stateful");
  const post = async (signatory: Signatory, message: unknown, session?: string) => {
    const body = JSON.stringify(message);
    const headers = signed(signatory, { method: "POST", url: gateway.mcp, body });
    const json = { "Content-Type": "application/json", Accept: ACCEPT };
    const named: Record<string, string> = session === undefined ? {} : { "Mcp-Session-Id": session };
    const response = await fetch(gateway.mcp, {
      method: "POST",
      headers: { ...json, ...named, ...headers },
      body,
    });
    await response.body?.cancel();
    return response;
  };
  const session = (await post(owner, initialize(1))).headers.get("mcp-session-id") ?? "";
  assert.equal((await post(thief, callTool(2, "echo"), session)).status, 404);
  assert.equal((await post(owner, callTool(2, "echo"), session)).status, 200);
});

Deno.test("who signs may have a ticket, also by a POST without a body", async () => {
  const valid = new Signatory();
  await using authorized = new Authorized(`${valid.line} ci`);
  await using gateway = await authorized.start();
  const office = new URL("/auth/ticket", gateway.mcp).href;
  const ask = async (headers: Record<string, string>, body?: string) => {
    const response = await fetch(office, { method: "POST", headers, ...body !== undefined && { body } });
    return { status: response.status, text: await response.text() };
  };
  const { status, text } = await ask(signed(valid, { method: "POST", url: office }));
  assert.equal(status, 200, text);
  const { ticket } = JSON.parse(text);
  assert.equal((await DOORS.get("SSE")!(gateway.port, { query: `?ticket=${ticket}` })).status, 200);
  // What is not signed is not there, or is refused.
  assert.equal((await ask(signed(valid, { method: "POST", url: office }), "x")).status, 401);
});

// --- the public URL ---

Deno.test("with --baseUrl the URL that clients use is signed, and behind a trusted proxy that which it names", async () => {
  const valid = new Signatory();
  await using authorized = new Authorized(`${valid.line} ci`);
  const SSE = DOORS.get("SSE")!;
  const outside = "https://gateway.example/tools";
  {
    await using gateway = await authorized.start("--baseUrl", outside);
    const ask = async (url: string) => (await SSE(gateway.port, { headers: signed(valid, { url }) })).status;
    assert.equal(await ask(`${outside}/sse`), 200);
    assert.equal(await ask("https://gateway.example/sse"), 401);
    assert.equal(await ask(`http://127.0.0.1:${gateway.port}/sse`), 401);
  }
  const proxied = ["--trustProxy", "127.0.0.1", "--allowedHost", "gateway.example"];
  await using gateway = await authorized.start(...proxied);
  const ask = async (url: string, host: string, proto = "https") => {
    const forwarded = {
      "X-Forwarded-Host": host,
      "X-Forwarded-Proto": proto,
      "X-Forwarded-Prefix": "/tools",
    };
    return (await SSE(gateway.port, { headers: { ...forwarded, ...signed(valid, { url }) } })).status;
  };
  assert.equal(await ask(`${outside}/sse`, "gateway.example"), 200);
  assert.equal(await ask(`${outside}/sse`, "gateway.example", "http"), 401);
  assert.equal(await ask("https://gateway.example/sse", "gateway.example"), 401);
  // What is signed for another server is not for us, whatever a proxy passes on.
  assert.equal(await ask("https://evil.example/tools/sse", "evil.example"), 401);
  await gateway.logged(/keypair is meant for another host/);
});

// --- Keystone itself as the client ---

const FLAGS = [
  ["Streamable HTTP", "--streamableHttp", "mcp"],
  ["SSE", "--sse", "sse"],
  ["WebSocket", "--ws", "ws"],
] as const;

for (const [wire, flag, path] of FLAGS) {
  Deno.test(`keystone --keypair is let in over ${wire}, and another key is not`, async () => {
    const [valid, stranger] = [new Signatory(), new Signatory()];
    await using authorized = new Authorized(`${valid.line} bridge`);
    await using gateway = await authorized.start("--stateful");
    const [own, other] = [
      await authorized.keep("own.pem", valid),
      await authorized.keep("other.pem", stranger),
    ];
    {
      await using bridge = new Bridge([flag, gateway[path], "--keypair", own, ...QUICK_RETRY]);
      await bridge.begin();
      for (const n of [1, 2, 3]) {
        const { result } = await bridge.call(n, "echo", { text: "ä".repeat(n * 20_000) });
        assert.equal(result.structuredContent.text.length, n * 20_000);
      }
    }
    await using bridge = new Bridge([flag, gateway[path], "--keypair", other, ...QUICK_RETRY]);
    const refused = await bridge.ask(initialize(1));
    assert.match(refused.error.message, /answered HTTP 401/);
    await gateway.logged(/keypair is unknown/);
    assert.doesNotMatch(bridge.stderr, /PRIVATE|^\s+at /m);
  });

  Deno.test(`keystone calls a server over ${wire} only where it has the key that is known`, async () => {
    const [caller, server, impostor] = [new Signatory(), new Signatory(), new Signatory()];
    await using authorized = new Authorized(`${caller.line} bridge`);
    const own = await authorized.keep("own.pem", caller);
    const known = `${authorized.folder}/known_hosts`;
    const start = async (identity: Signatory, port = 0) => {
      const file = await authorized.keep(
        `identity-${identity.fingerprint.slice(7, 12).replaceAll("/", "_")}`,
        identity,
      );
      return await authorized.start("--stateful", "--identity", file, "--port", `${port}`);
    };
    const begin = async (url: string, ...trust: string[]) => {
      await using bridge = new Bridge([flag, url, "--keypair", own, ...trust, ...QUICK_RETRY]);
      const answer = await bridge.ask(initialize(1));
      return { answer, stderr: bridge.stderr };
    };
    let port: number;
    let url: string;
    {
      await using gateway = await start(server);
      ({ port, [path]: url } = gateway);
      for (const key of [server.fingerprint, server.line]) {
        assert((await begin(url, "--serverKey", key)).answer.result, key);
      }
      const { answer } = await begin(url, "--serverKey", impostor.fingerprint);
      assert.match(
        answer.error.message,
        /^Somebody else may be in the place of the server, .*SHA256:.*serverKey/,
      );
      const first = await begin(url, "--knownHosts", known);
      assert(first.answer.result);
      assert.match(first.stderr, /is called for the first time, and is known by its key SHA256:/);
      assert.match(await Deno.readTextFile(known), /^http:\/\/127\.0\.0\.1:\d+ ssh-ed25519 \S+\n$/);
      const second = await begin(url, "--knownHosts", known);
      assert(second.answer.result);
      assert.doesNotMatch(second.stderr, /first time/);
    }
    await using other = await start(impostor, port);
    const { answer } = await begin(url, "--knownHosts", known);
    assert.match(
      answer.error.message,
      /Somebody else may be in the place of the server.*take its line out of/,
    );
    // Nothing was asked of it.
    assert.doesNotMatch(other.stderr(), /Session opened/);
  });
}

Deno.test("each request is signed anew, also one that is sent once more", async () => {
  const caller = new Signatory();
  await using authorized = new Authorized(`${caller.line} bridge`);
  const own = await authorized.keep("own.pem", caller);
  let refusals = 2;
  await using remote = new HttpRemote(({ method }) => {
    if (method !== "POST" || refusals-- <= 0) return undefined;
    return new Response(null, { status: 503 });
  });
  await using bridge = new Bridge(["--streamableHttp", remote.url, "--keypair", own, ...QUICK_RETRY]);
  await bridge.begin();
  await bridge.call(1, "echo");
  const inputs = remote.seen.map(({ headers }) => headers.get("signature-input") ?? "");
  assert(remote.posted("initialize").length === 3);
  assert.equal(new Set(inputs.map((input) => /nonce="([^"]+)"/.exec(input)?.[1])).size, inputs.length);
  for (const { method, headers, body } of remote.seen) {
    assert.equal(headers.get("content-digest"), method === "POST" ? digestOf(body) : null);
  }
});

Deno.test("a server that proves nothing is not called", async () => {
  await using authorized = new Authorized();
  let answer = new Response("nobody", { status: 404 });
  await using remote = new HttpRemote(({ url }) =>
    url.pathname === "/.well-known/keystone-identity" ? answer.clone() : undefined
  );
  const server = new Signatory();
  for (
    const [response, why] of [
      [answer, /does not prove who it is: HTTP 404 at/],
      [new Response("<html>"), /does not prove who it is: the answer is no JSON/],
      [new Response("null"), /does not prove who it is: the answer is no proof/],
      [new Response("x".repeat(10_000)), /does not prove who it is: the answer is too long/],
      [Response.json({ nonce: "x", time: "", key: server.line, signature: "" }), /is one for somebody else/],
      [new Response(null, { status: 302, headers: { Location: "/" } }), /HTTP 302 at/],
    ] as const
  ) {
    answer = response;
    await using bridge = new Bridge([
      ...["--streamableHttp", remote.url, "--knownHosts", `${authorized.folder}/known`, ...QUICK_RETRY],
    ]);
    const { error } = await bridge.ask(initialize(1));
    assert.match(error.message, why);
  }
  assert(remote.seen.every(({ url }) => url.pathname !== "/mcp"));
});

Deno.test("--identity signs for whoever asks, in its own name alone", async () => {
  const server = new Signatory();
  await using authorized = new Authorized();
  const file = await authorized.keep("identity.pem", server);
  await using gateway = await authorized.start("--identity", file);
  const ask = async (query: string, headers: Record<string, string> = {}) => {
    using answer = await rawRequest(gateway.port, {
      path: `/.well-known/keystone-identity${query}`,
      headers,
    });
    return { status: answer.status, body: JSON.parse(answer.body) };
  };
  const nonce = "n".repeat(20);
  const { status, body } = await ask(`?nonce=${nonce}`);
  assert.equal(status, 200);
  assert.deepEqual([body.nonce, body.origin, body.key], [nonce, new URL(gateway.mcp).origin, server.line]);
  assert(Math.abs(Date.parse(body.time) - Date.now()) < 3_600_000);
  for (const query of ["", "?nonce=", "?nonce=short", `?nonce=${"n".repeat(200)}`, `?nonce=${nonce}%0a`]) {
    assert.equal((await ask(query)).status, 400, query);
  }
  // Of another port of this machine.
  assert.equal((await ask(`?nonce=${nonce}`, { Host: "localhost:1" })).status, 421);
});

// --- files and commands ---

Deno.test("keystone keypair makes a key that its owner alone may read, and overwrites none", async () => {
  await using authorized = new Authorized();
  const path = `${authorized.folder}/key.pem`;
  const run = (...args: string[]) => runKeystone(["keypair", ...args], { env: authorized.env });
  const made = await run("generate", "--out", path, "--name", "ci");
  assert.deepEqual([made.code, /^ssh-ed25519 \S+ ci\n$/.test(made.stdout)], [0, true], made.stderr);
  const { mode } = await Deno.stat(path);
  if (mode !== null) assert.equal(mode & 0o777, 0o600);
  const before = await Deno.readTextFile(path);
  assert.match(before, /^-----BEGIN PRIVATE KEY-----\n/);
  assert.doesNotMatch(made.stdout + made.stderr, new RegExp(before.split("\n")[1] ?? "x"));
  const again = await run("generate", "--out", path);
  assert.equal(again.code, 1);
  assert.match(
    again.stderr,
    /there is a file already, which stays as it is \(.*key\.pem\); --out names another/,
  );
  assert.equal(await Deno.readTextFile(path), before);
  assert.equal((await run("show", path, "--name", "ci")).stdout, made.stdout);
  assert.equal((await run("generate")).code, 0);
  assert.equal((await run("show", `${authorized.folder}/keypair.pem`)).code, 0);
  for (
    const [args, code, says] of [
      [[], 2, /expected generate or show/],
      [["show"], 2, /expected the file of a private key/],
      [["show", `${authorized.folder}/none`], 1, /there is no such file/],
      [["show", authorized.path], 1, /others than its owner may use it/],
      [["generate", "--name", "a b"], 2, /--name "a b": expected letters/],
    ] as const
  ) {
    const refused = await run(...args);
    assert.equal(refused.code, code, args.join(" "));
    assert.match(refused.stderr, says);
  }
  assert.match((await run("--help")).stdout, /^Usage: keystone keypair generate/);
});

Deno.test("files that cannot be trusted, and options that protect nothing, are refused with the way out", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using authorized = new Authorized();
  await Deno.chmod(authorized.path, 0o664);
  const key = await authorized.keep("key.pem", new Signatory());
  const open = `${authorized.folder}/open.pem`;
  await Deno.writeTextFile(open, new Signatory().pem, { mode: 0o600 });
  await Deno.chmod(open, 0o640);
  const start = (...flags: string[]) => runKeystone(["--port", "0", ...flags], { env: authorized.env });
  const keypair = ["--auth", "keypair", "--authorizedKeys"];
  const remote = ["--streamableHttp", "http://127.0.0.1:9/mcp"];
  for (
    const [flags, says] of [
      [
        [...ECHO, ...keypair, authorized.path],
        /^keystone: --authorizedKeys ".*": others than its owner may write it \(mode 0664\).*chmod 644 it$/m,
      ],
      [[...ECHO, ...keypair, "/none"], /^keystone: --authorizedKeys "\/none": there is no such file$/m],
      [[...ECHO, "--auth", "keypair"], /^keystone: --auth keypair: expected --authorizedKeys beside it/m],
      [
        [...ECHO, "--signatureSkew", "5s"],
        /^keystone: --signatureSkew: protects nothing without --auth keypair$/m,
      ],
      [[...ECHO, "--host", "0.0.0.0", ...keypair, "/none"], /^keystone: --auth keypair: expected --baseUrl/m],
      [
        [...ECHO, "--host", "0.0.0.0", "--unauthenticated", "--identity", key],
        /^keystone: --identity: expected --baseUrl/m,
      ],
      [
        [...ECHO, "--identity", open],
        /^keystone: --identity ".*open\.pem": others than its owner may use it/m,
      ],
      [[...ECHO, "--identity", authorized.path], /^keystone: --identity ".*": others than its owner/m],
      [
        [...remote, "--keypair", open],
        /^keystone: --keypair ".*open\.pem": others than its owner may use it/m,
      ],
      [[...remote, "--keypair", "/none"], /^keystone: --keypair "\/none": there is no such file$/m],
      [[...remote, "--serverKey", "x"], /^keystone: --serverKey "x": expected SHA256:… or a line/m],
      [
        [...remote, "--serverKey", new Signatory().line, "--knownHosts", "k"],
        /^keystone: --knownHosts: expected it or --serverKey/m,
      ],
      [
        [...remote, "--knownHosts", authorized.path],
        /^keystone: --knownHosts .*: others than its owner may write it/m,
      ],
    ] as const
  ) {
    const { code, stderr } = await start(...flags);
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
  }
});

Deno.test({
  name: "keystone --keypair is let in over TLS on each wire, and knows the server by its key",
  ignore: !hasOpenssl,
  async fn() {
    const [caller, self] = [new Signatory(), new Signatory()];
    await using certificates = await Certificates.begin();
    const { authority, server: { file, key } } = await certificates.pair();
    await using authorized = new Authorized(`${caller.line} bridge`);
    const own = await authorized.keep("own.pem", caller);
    const identity = await authorized.keep("identity.pem", self);
    const tlsKey = `${authorized.folder}/tls.pem`;
    await Deno.writeTextFile(tlsKey, key, { mode: 0o600 });
    await using gateway = await authorized.start(
      ...["--stateful", "--tlsCert", file, "--tlsKey", tlsKey, "--identity", identity],
    );
    for (const [wire, flag, path] of FLAGS) {
      const url = gateway[path];
      assert.match(url, /^(https|wss):/);
      await using bridge = new Bridge([
        ...[
          flag,
          url,
          "--keypair",
          own,
          "--caFile",
          authority.file,
          "--serverKey",
          self.line,
          ...QUICK_RETRY,
        ],
      ]);
      await bridge.begin();
      assert.equal((await bridge.call(1, "echo", { wire })).result.structuredContent.wire, wire);
    }
  },
});
