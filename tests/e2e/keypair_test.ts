/** `--auth keypair`: requests that are signed, over each wire, by hand and by Keystone itself. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { DOORS } from "../support/doors.ts";
import { eventually, type Keystone, runKeystone, startKeystone } from "../support/keystone.ts";
import { rawRequest } from "../support/raw_http.ts";
import { ACCEPT, callTool, initialize } from "../support/rpc.ts";
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

  start(...flags: readonly string[]): Promise<Keystone> {
    const auth = ["--auth", "keypair", "--authorizedKeys", this.path];
    return startKeystone([...auth, ...flags, ...ECHO], { env: this.env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("--auth keypair lets in who signs each request, and nobody else, on every wire", async (t) => {
  const [valid, stranger] = [new Signatory(), new Signatory()];
  await using authorized = new Authorized("# whose keys", `${valid.line} ci tools,files`);
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
      const before = await ask(signed(valid, { ...right, created: -40, expires: 5 }));
      assert.deepEqual([before.status, before.headers.get("retry-after")], [503, "5"]);
      assert.equal((await ask(signed(valid, { ...right, created: 40, expires: 90 }))).status, letIn, "early");
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
