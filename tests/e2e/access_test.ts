/** From where callers may come, and how much they may ask for, over each wire. */
import assert from "node:assert/strict";
import { keyFile } from "../../src/auth/api_key/key_file.ts";
import { digestOf, makeKey } from "../../src/auth/api_key/key_text.ts";
import { beginSocket } from "../support/conversation.ts";
import { type DoorAnswer, DOORS } from "../support/doors.ts";
import { eventually, runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { rawRequest, upgradeRequest } from "../support/raw_http.ts";
import { callTool, post, request } from "../support/rpc.ts";

const BEHIND_PROXY = ["--trustProxy", "127.0.0.1"];
const TOKEN = "correct-horse-battery";
const server = SCRIPTED;

/** A state folder with an API key and a token. */
class Secrets implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "keystone-access-" });
  readonly env = { KEYSTONE_STATE_DIR: this.folder };
  readonly flags = ["--auth", "apiKey,bearer", "--bearerTokenFile", `${this.folder}/tokens`];

  static async make(): Promise<Secrets> {
    const secrets = new Secrets();
    await Deno.writeTextFile(`${secrets.folder}/tokens`, `human ${TOKEN}\n`, { mode: 0o600 });
    return secrets;
  }

  async key(name: string): Promise<Record<string, string>> {
    const key = makeKey();
    const createdAt = new Date().toISOString();
    const entry = { id: key.id, name, digest: digestOf(key.secret), scopes: [], createdAt };
    await keyFile.change(`${this.folder}/api-keys.json`, (keys) => [...keys, entry]);
    return { "X-API-Key": key.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

function from(address: string): Record<string, string> {
  return { "X-Forwarded-For": address };
}

function isIn({ status }: DoorAnswer): boolean {
  return status === 200 || status === 101;
}

/** Wants all that a refusal has. */
function assertRefused({ status, headers, body }: DoorAnswer, expected: number): void {
  assert.equal(status, expected);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.get("cache-control"), "no-store");
  const { error } = JSON.parse(body);
  assert.equal(error.code, -32000);
  if (status !== 403) assert.match(headers.get("retry-after") ?? "", /^[1-9]\d*$/);
}

Deno.test("--denyIp refuses connections from there on every wire, with 403, and the log says so once", async () => {
  await using gateway = await startKeystone(["--denyIp", "10.0.0.0/8,127.0.0.0/8"], { server });
  for (const knock of DOORS.values()) {
    for (let count = 0; count < 3; count++) assertRefused(await knock(gateway.port), 403);
  }
  const log = await gateway.logged(/Connection refused/);
  assert.match(
    log,
    /Connection refused address=127\.0\.0\.1 reason="Forbidden: 127\.0\.0\.1 is in --denyIp"/,
  );
  assert.equal(gateway.stderr().match(/Connection refused/g)?.length, 1);
  using health = await rawRequest(gateway.port, { path: "/health" });
  assert.equal(health.status, 403);
});

Deno.test("--allowIp lets in nobody else, and behind a trusted proxy judges whom that names, from the right", async () => {
  const flags = ["--allowIp", "10.0.0.0/8", "--allowIp", "2001:db8::/32", "--denyIp", "10.6.0.0/16"];
  await using gateway = await startKeystone([...BEHIND_PROXY, ...flags], { server });
  const allowed = [
    from("10.1.2.3"),
    from("11.1.1.1, 10.1.2.3"),
    from("10.1.2.3, 127.0.0.1"),
    from("::ffff:10.1.2.3"),
    from("[2001:db8::7]:4711"),
    { Forwarded: 'for=11.1.1.1, for="[2001:db8::7]:4711";proto=https' },
  ];
  const refused = [
    {},
    from("11.1.1.1"),
    from("10.1.2.3, 11.1.1.1"),
    from("10.6.1.1"),
    from("::ffff:10.6.1.1"),
    from("10.1.2.3, unknown"),
    { Forwarded: "for=10.1.2.3, for=_hidden" },
    { "X-Real-IP": "10.1.2.3" },
    // Two lines of the same field.
    { "X-Forwarded-For": "10.1.2.3", "x-forwarded-for": "11.1.1.1" },
  ];
  for (const [wire, knock] of DOORS) {
    for (const headers of allowed) {
      assert(isIn(await knock(gateway.port, { headers })), `${wire} ${JSON.stringify(headers)}`);
    }
    for (const headers of refused) assertRefused(await knock(gateway.port, { headers }), 403);
    const both = { ...from("10.1.2.3"), Forwarded: "for=10.9.9.9" };
    assert.equal((await knock(gateway.port, { headers: both })).status, 400);
  }
  await gateway.logged(/Forbidden: 11\.1\.1\.1 is not in --allowIp/);
});

Deno.test("X-Forwarded-For counts for nothing where no proxy is trusted, and makes nobody this machine", async () => {
  await using open = await startKeystone(["--denyIp", "11.0.0.0/8"], { server });
  await using trusting = await startKeystone(BEHIND_PROXY, { server });
  for (const knock of DOORS.values()) assert(isIn(await knock(open.port, { headers: from("11.1.1.1") })));
  await using socket = await beginSocket(trusting);
  await socket.send(callTool("open", "hang"));
  const health = async (headers: Record<string, string> = {}) => {
    using answer = await rawRequest(trusting.port, { path: "/health", headers });
    return JSON.parse(answer.body);
  };
  await eventually(() => health(), ({ openCalls }) => openCalls === 1);
  for (const headers of [from("127.0.0.1"), from("127.0.0.1, 127.0.0.1"), { Forwarded: "for=127.0.0.1" }]) {
    assert(!("openCalls" in await health(headers)));
  }
});

Deno.test("--rateLimit refuses what is beyond it with 429, for each principal or address, on every wire", async () => {
  await using secrets = await Secrets.make();
  const flags = [...BEHIND_PROXY, ...secrets.flags, "--authOptional", "--rateLimit", "3/h"];
  await using gateway = await startKeystone(flags, { server, env: secrets.env });
  let subnet = 0;
  for (const [wire, knock] of DOORS) {
    const expect = async (headersOf: readonly Record<string, string>[], letIn: boolean) => {
      for (const headers of headersOf) {
        const answer = await knock(gateway.port, { headers });
        if (letIn) assert(isIn(answer), `${wire} ${answer.status} ${answer.body}`);
        else assertLimited(answer);
      }
    };
    const [one, other] = [
      await secrets.key(`${wire.replace(" ", "")}1`),
      await secrets.key(`${wire.replace(" ", "")}2`),
    ];
    await eventually(
      () => knock(gateway.port, { headers: { ...other, ...from(`192.0.2.${++subnet}`) } }),
      isIn,
    );
    const asks = [
      { ...one, ...from("203.0.113.1") },
      { ...one, ...from("203.0.113.2") },
      { ...one, ...from("203.0.113.3") },
    ];
    await expect(asks, true);
    await expect(asks, false);
    assert(isIn(await knock(gateway.port, { headers: { ...other, ...from("203.0.113.1") } })));
    const [v6, same] = [`2001:db8:${subnet}::1`, `2001:db8:${subnet}:0:ffff::2`];
    await expect([from(v6), from(same), from(v6)], true);
    await expect([from(v6), from(same)], false);
  }
  // Probes are not counted.
  for (let count = 0; count < 5; count++) {
    using health = await rawRequest(gateway.port, { path: "/health", headers: from("203.0.113.1") });
    assert.equal(health.status, 200);
  }
  await gateway.logged(/Too Many Requests: apiKey\/SSE1 is beyond --rateLimit/);
});

Deno.test("--rateLimit counts strangers by their address, and somebody known who lacks a scope, on every wire", async () => {
  await using secrets = await Secrets.make();
  const flags = [...BEHIND_PROXY, ...secrets.flags, "--requiredScope", "admin", "--rateLimit", "3/h"];
  await using gateway = await startKeystone(flags, { server, env: secrets.env });
  let host = 0;
  for (const [wire, knock] of DOORS) {
    const key = await secrets.key(wire.replace(" ", ""));
    const known = () => knock(gateway.port, { headers: { ...key, ...from(`192.0.2.${++host}`) } });
    // The file of keys is looked at now and then.
    await eventually(known, ({ status }) => status === 403);
    for (let count = 1; count < 3; count++) assertRefused(await known(), 403);
    assertLimited(await known());
    const address = from(`203.0.113.${++host}`);
    for (const headers of [{}, { "X-API-Key": "wrong" }, {}]) {
      assert.equal((await knock(gateway.port, { headers: { ...headers, ...address } })).status, 401, wire);
    }
    assertLimited(await knock(gateway.port, { headers: address }));
  }
});

function assertLimited(answer: DoorAnswer): void {
  assertRefused(answer, 429);
  const { headers } = answer;
  const seconds = headers.get("retry-after");
  assert.equal(headers.get("ratelimit-policy"), '"default";q=3;w=3600');
  assert.equal(headers.get("ratelimit"), `"default";r=0;t=${seconds}`);
}

Deno.test("--rateLimit counts the messages of a WebSocket, and of a batch", async () => {
  await using gateway = await startKeystone([...BEHIND_PROXY, "--rateLimit", "5/h", "--rateBurst", "6"], {
    server,
  });
  // The handshakes of both protocols are three.
  await using socket = await beginSocket(gateway);
  for (const id of ["4", "5", "6"]) {
    await socket.send(callTool(id, "echo", { text: id }));
    assert((await socket.until(id)).at(-1).result);
  }
  await socket.send(request(7, "ping"));
  const refused = (await socket.until(7)).at(-1);
  assert.match(refused.error.message, /^Too Many Requests: try again in \d+ s$/);
  assert(refused.error.data.retryAfterMs > 0);
  await socket.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
  await gateway.logged(/Message dropped.*Too Many Requests/);
  const batch = (size: number) => Array.from({ length: size }, (_, id) => request(id, "ping"));
  const headers = from("203.0.113.1");
  const statuses: number[] = [];
  for (const size of [3, 3, 1]) {
    const { status, body } = await post(gateway.mcp, batch(size), { headers });
    statuses.push(status);
    await body?.cancel();
  }
  assert.deepEqual(statuses, [200, 200, 429]);
});

Deno.test("failed attempts of an address are answered with 429 from some on, for longer each time, on every wire", async () => {
  await using secrets = await Secrets.make();
  const key = await secrets.key("ci");
  const limits = [
    "--authAttempts",
    "3",
    "--authWait",
    "1h",
    "--authMaxWait",
    "100h",
    "--authAttemptWindow",
    "500h",
  ];
  await using gateway = await startKeystone([...BEHIND_PROXY, ...secrets.flags, ...limits], {
    ...{ server, env: secrets.env },
    leapMs: 3_600_000,
  });
  const wrong = [bearer("x".repeat(20)), { "X-API-Key": "ks_x" }, { Authorization: `Basic ${btoa("a:b")}` }];
  let host = 0;
  for (const [wire, knock] of DOORS) {
    const here = from(`203.0.113.${++host}`);
    const ask = (headers: Record<string, string>) =>
      knock(gateway.port, { headers: { ...here, ...headers } });
    // Who brings nothing has not tried anything.
    for (let count = 0; count < 5; count++) assert.equal((await ask({})).status, 401);
    for (const headers of wrong) assert.equal((await ask(headers)).status, 401, wire);
    for (const headers of [...wrong, bearer(TOKEN)]) assertRefused(await ask(headers), 429);
    // A key of ours cannot be guessed.
    assert(isIn(await ask(key)));
    assert(isIn(await knock(gateway.port, { headers: { ...from("198.51.100.1"), ...bearer(TOKEN) } })));
    await gateway.leap();
    assert(isIn(await ask(bearer(TOKEN))), "the wait is over");
    assert.equal((await ask(wrong[0]!)).status, 401);
    const again = await ask(bearer(TOKEN));
    assertRefused(again, 429);
    assert(Number(again.headers.get("retry-after")) > 3_600, "twice as long");
  }
  await gateway.logged(/Too many failed attempts from 203\.0\.113\.1 \(--authAttempts\)/);
});

Deno.test("--maxSessionsPerPrincipal counts the sessions of all wires, and leaves room to others", async () => {
  await using secrets = await Secrets.make();
  const [one, other] = [await secrets.key("one"), await secrets.key("other")];
  const flags = ["--stateful", "--maxSessionsPerPrincipal", "2", "--queueTimeout", "0ms", "--authOptional"];
  await using gateway = await startKeystone([...BEHIND_PROXY, ...secrets.flags, ...flags], {
    ...{ server, env: secrets.env },
  });
  const callers = [{ ...one, ...from("203.0.113.1") }, from("203.0.113.2"), from("2001:db8::1")];
  const away = [{ ...one, ...from("203.0.113.9") }, from("203.0.113.2"), from("2001:db8::2")];
  for (const [index, headers] of callers.entries()) {
    using stream = await rawRequest(gateway.port, { path: "/sse", headers });
    using socket = await rawRequest(gateway.port, upgradeRequest("/ws", headers));
    assert.deepEqual([stream.status, socket.status], [200, 101]);
    for (const knock of DOORS.values()) {
      const refused = await knock(gateway.port, { headers: away[index]! });
      assertRefused(refused, 503);
      assert.match(
        refused.body,
        /Too many sessions of one caller \(--maxSessionsPerPrincipal\): the limit is 2/,
      );
    }
    assert(isIn(await DOORS.get("SSE")!(gateway.port, { headers: { ...other, ...from("203.0.113.1") } })));
    socket.connection.closeWrite().catch(() => {});
    await eventually(() => DOORS.get("Streamable HTTP")!(gateway.port, { headers }), isIn);
    assertRefused(await DOORS.get("SSE")!(gateway.port, { headers }), 503);
  }
});

Deno.test("answers to authenticated callers are for no cache and no guess, on every HTTP wire", async () => {
  await using secrets = await Secrets.make();
  const key = await secrets.key("ci");
  await using gateway = await startKeystone([...secrets.flags, "--authOptional"], {
    server,
    env: secrets.env,
  });
  for (const [wire, knock] of DOORS) {
    if (wire === "WebSocket") continue;
    const known = (await knock(gateway.port, { headers: key })).headers;
    assert.equal(known.get("x-content-type-options"), "nosniff", wire);
    assert.match(known.get("cache-control") ?? "", /(^|, )no-store$/, wire);
    const anonymous = (await knock(gateway.port)).headers;
    assert.equal(anonymous.get("x-content-type-options"), null, wire);
    assert.doesNotMatch(anonymous.get("cache-control") ?? "", /no-store/, wire);
  }
});

Deno.test("limits and networks that cannot be are refused at the start, with the way out", async () => {
  const cases: [string[], RegExp][] = [
    [
      ["--rateLimit", "600"],
      /--rateLimit "600": expected a number and a time, such as 10\/s, 600\/m or 5000\/h/,
    ],
    [["--rateLimit", "0/m"], /--rateLimit "0\/m": expected a number and a time/],
    [["--rateBurst", "5"], /--rateBurst: limits nothing without --rateLimit, such as 600\/m/],
    [["--allowIp", "10.0.0.0/33"], /--allowIp "10\.0\.0\.0\/33": expected an IP address or a network/],
    [["--denyIp", "localhost"], /--denyIp "localhost": expected an IP address or a network/],
    [["--authWait", "5s"], /--authWait: protects nothing without --auth, such as apiKey/],
    [["--authAttempts", "0"], /--authAttempts "0": expected a whole number of at least 1/],
    [["--maxSessionsPerPrincipal", "0"], /--maxSessionsPerPrincipal "0": expected a whole number/],
  ];
  for (const [flags, says] of cases) {
    const { code, stderr } = await runKeystone([...flags, "--stdio", "cat"]);
    assert.equal(code, 2, flags.join(" "));
    assert.match(stderr, says);
  }
});
