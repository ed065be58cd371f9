/** Who is let in, over each wire, by each kind of proof. */
import assert from "node:assert/strict";
import { type KeyEntry, keyFile } from "../../src/auth/api_key/key_file.ts";
import { digestOf, makeKey, type NewKey } from "../../src/auth/api_key/key_text.ts";
import { DOORS } from "../support/doors.ts";
import { rawRequest, upgradeRequest } from "../support/raw_http.ts";
import { eventually, type Keystone, runKeystone, startKeystone } from "../support/keystone.ts";
import { answer, type AnyMessage, callTool, initialize, post } from "../support/rpc.ts";

const ECHO = [
  "--stdio",
  `${Deno.execPath()} run -A ${new URL("../fixtures/scripted_server.ts", import.meta.url).pathname}`,
];
const HOUR_MS = 3_600_000;

/** A state folder of its own with some keys. */
class Keys implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "keystone-auth-" });
  readonly path = `${this.folder}/api-keys.json`;
  readonly env = { KEYSTONE_STATE_DIR: this.folder };

  async add(name: string, more: Partial<KeyEntry> = {}): Promise<NewKey> {
    const key = makeKey();
    const createdAt = new Date().toISOString();
    const entry = { id: key.id, name, digest: digestOf(key.secret), scopes: [], createdAt, ...more };
    await keyFile.change(this.path, (keys) => [...keys, entry]);
    return key;
  }

  start(...flags: string[]): Promise<Keystone> {
    return startKeystone(["--auth", "apiKey", ...flags, ...ECHO], { env: this.env });
  }

  run(...args: string[]) {
    return runKeystone(args, { env: this.env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function authorized(key: Pick<NewKey, "text">): Record<string, string> {
  return { Authorization: `Bearer ${key.text}` };
}

Deno.test("--auth apiKey lets in by a valid key and by nothing else, on every wire", async (t) => {
  await using keys = new Keys();
  const valid = await keys.add("ci");
  const now = Date.now();
  const expired = await keys.add("old", { expiresAt: new Date(now - 1).toISOString() });
  const revoked = await keys.add("gone", { revokedAt: new Date(now).toISOString() });
  const other = makeKey();
  await using gateway = await keys.start("--stateful");
  const wrong = `${valid.text.slice(0, -1)}${valid.text.endsWith("A") ? "B" : "A"}`;
  const refused: [string, Record<string, string>, RegExp][] = [
    ["absent", {}, /Unauthorized: credentials are needed/],
    ["unknown", authorized(other), /apiKey [0-9a-f]{12} is unknown/],
    ["wrong", authorized({ text: wrong }), /apiKey [0-9a-f]{12} is wrong/],
    ["expired", authorized(expired), /is expired/],
    ["revoked", authorized(revoked), /is revoked/],
    ["malformed", { "X-API-Key": "secret" }, /apiKey is malformed/],
    ["malformed as a bearer token", authorized({ text: "ks_x" }), /apiKey is malformed/],
    ["of another scheme", { Authorization: `Basic ${btoa("a:b")}` }, /the credentials are those of nobody/],
    ["no credentials at all", { Authorization: "Bearer" }, /those of nobody/],
    ["twice", { Authorization: `Bearer ${valid.text}, Bearer ${valid.text}` }, /is malformed/],
    ["oversized", authorized({ text: `ks_${"x".repeat(20_000)}` }), /is too large/],
  ];
  for (const [wire, knock] of DOORS) {
    await t.step(wire, async () => {
      const letIn = wire === "WebSocket" ? 101 : 200;
      assert.equal((await knock(gateway.port, { headers: authorized(valid) })).status, letIn);
      assert.equal((await knock(gateway.port, { headers: { "x-api-key": valid.text } })).status, letIn);
      for (const [what, headers, logged] of refused) {
        const { status, headers: told, body } = await knock(gateway.port, { headers });
        assert.equal(status, 401, what);
        assert.match(told.get("www-authenticate") ?? "", /^Bearer realm="keystone"/, what);
        const { error } = JSON.parse(body);
        assert.deepEqual(error.data, { auth: { kinds: ["apiKey"], required: true } });
        assert.doesNotMatch(body, /expired|revoked|wrong|unknown|ks_/, what);
        await gateway.logged(logged);
      }
      // Not without the option.
      assert.equal((await knock(gateway.port, { query: `?api_key=${valid.text}` })).status, 401);
    });
  }
  assert.doesNotMatch(
    gateway.stderr(),
    new RegExp([valid, expired, revoked, other].map(({ secret }) => secret).join("|")),
  );
});

Deno.test("--apiKeyInQuery takes a key in the URL, and no log shows it", async () => {
  await using keys = new Keys();
  const key = await keys.add("ci");
  await using gateway = await keys.start("--apiKeyInQuery", "--logLevel", "debug");
  for (const knock of DOORS.values()) {
    assert.match(`${(await knock(gateway.port, { query: `?api_key=${key.text}` })).status}`, /^(200|101)$/);
    assert.equal((await knock(gateway.port, { query: `?api_key=${key.text}x` })).status, 401);
  }
  // SSE's client posts to where it is told, and can send no header there either.
  const sse = await fetch(`${gateway.sse}?api_key=${key.text}`);
  const reader = sse.body!.pipeThrough(new TextDecoderStream()).getReader();
  const endpoint = /data: (\S+)/.exec((await reader.read()).value ?? "")?.[1] ?? "";
  const posted = await post(new URL(endpoint, gateway.sse).href, initialize());
  assert.equal(posted.status, 202);
  await posted.body?.cancel();
  await reader.cancel();
  await gateway.stop();
  assert.doesNotMatch(gateway.stderr(), new RegExp(key.secret));
});

Deno.test("a key that is made, replaced or revoked counts without a restart", async () => {
  await using keys = new Keys();
  await using gateway = await keys.start();
  const statusOf = async (key: string) => {
    const response = await post(gateway.mcp, callTool(1, "echo"), { headers: { "X-API-Key": key } });
    await response.body?.cancel();
    return response.status;
  };
  const made = await keys.run("keys", "create", "--name", "ci", "--scope", "a", "--scope", "b");
  assert.match(made.stdout, /^ks_[0-9a-f]{12}_[\w-]{43}\n$/);
  const old = made.stdout.trim();
  await eventually(() => statusOf(old), (status) => status === 200);
  const rotated = (await keys.run("keys", "rotate", "ci", "--grace", "1h")).stdout.trim();
  await eventually(() => statusOf(rotated), (status) => status === 200);
  assert.equal(await statusOf(old), 200);
  const entries = JSON.parse((await keys.run("keys", "list", "--json")).stdout);
  assert.deepEqual(
    entries.map(({ name, status, scopes }: KeyEntry & { status: string }) => [name, status, scopes]),
    [["first", "valid", []], ["ci", "valid", ["a", "b"]], ["ci", "valid", ["a", "b"]]],
  );
  assert(Date.parse(entries[1].expiresAt) <= Date.now() + HOUR_MS);
  assert.match((await keys.run("keys", "revoke", "ci")).stderr, /2 keys are revoked/);
  await eventually(() => statusOf(old), (status) => status === 401);
  assert.equal(await statusOf(rotated), 401);
  // When a key was used is written at the end at the latest.
  await gateway.stop();
  const used = JSON.parse((await keys.run("keys", "list", "--json")).stdout);
  assert.deepEqual(used.map(({ lastUsedAt }: { lastUsedAt?: string }) => lastUsedAt !== undefined), [
    false,
    true,
    true,
  ]);
});

Deno.test({
  name: "a key that is revoked through a link is revoked",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using keys = new Keys();
    const key = await keys.add("ci");
    const link = `${keys.folder}/link.json`;
    await Deno.symlink("api-keys.json", link);
    await using gateway = await keys.start();
    assert.equal((await knockSse(gateway, key)).status, 200);
    const { code, stderr } = await keys.run("keys", "revoke", "ci", "--apiKeyFile", link);
    assert.equal(code, 0, stderr);
    await eventually(() => knockSse(gateway, key), ({ status }) => status === 401);
    assert((await Deno.lstat(link)).isSymlink);
  },
});

function knockSse({ port }: Keystone, key: Pick<NewKey, "text">) {
  return DOORS.get("SSE")!(port, { headers: authorized(key) });
}

Deno.test("what a revoked key has opened ends: its session, its stream, its socket", async () => {
  await using keys = new Keys();
  const [key, other] = [await keys.add("ci"), await keys.add("other")];
  await using gateway = await keys.start("--stateful");
  const headers = authorized(key);
  const opened = await post(gateway.mcp, initialize(), { headers });
  await opened.body?.cancel();
  const session = opened.headers.get("mcp-session-id") ?? "";
  const standing = await fetch(gateway.mcp, {
    headers: { ...headers, Accept: "text/event-stream", "Mcp-Session-Id": session },
  });
  const sse = await fetch(gateway.sse, { headers });
  const kept = await fetch(gateway.sse, { headers: authorized(other) });
  await using socket = await connected(gateway, headers);
  assert.match((await keys.run("keys", "revoke", "ci")).stderr, /revoked/);
  await Promise.all([standing.text(), sse.text(), socket.closed]);
  await gateway.logged(/Session closed .*do not count any more/);
  // Of another principal nothing has ended.
  const reader = kept.body!.getReader();
  assert.equal((await reader.read()).done, false);
  await reader.cancel();
});

Deno.test("a revoked key's socket ends though its name has another key, and its session goes on with that one", async () => {
  await using keys = new Keys();
  const stolen = await keys.add("ci");
  await using gateway = await keys.start("--stateful");
  const opened = await post(gateway.mcp, initialize(), { headers: authorized(stolen) });
  await opened.body?.cancel();
  const session = opened.headers.get("mcp-session-id") ?? "";
  await using socket = await connected(gateway, authorized(stolen));
  const next = (await keys.run("keys", "rotate", "ci")).stdout.trim();
  const headers = { "X-API-Key": next };
  const ping = async () => {
    const response = await post(gateway.mcp, { jsonrpc: "2.0", id: 1, method: "ping" }, { session, headers });
    await response.body?.cancel();
    return response.status;
  };
  await eventually(ping, (status) => status === 200);
  await keys.run("keys", "revoke", stolen.id);
  await socket.closed;
  assert.equal(await ping(), 200);
});

Deno.test("a key that was replaced counts until its grace is over, and what it has opened ends then", async () => {
  await using keys = new Keys();
  const old = await keys.add("ci");
  await using gateway = await keys.start("--stateful");
  const next = (await keys.run("keys", "rotate", "ci", "--grace", "1h")).stdout.trim();
  const statusOf = async (key: string) => {
    const response = await post(gateway.mcp, initialize(), { headers: { "X-API-Key": key } });
    await response.body?.cancel();
    return response.status;
  };
  await eventually(() => statusOf(next), (status) => status === 200);
  assert.equal(await statusOf(old.text), 200);
  await using socket = await connected(gateway, authorized(old));
  // The hour is over.
  const expiresAt = new Date(Date.now() + 100).toISOString();
  await keyFile.change(
    keys.path,
    (entries) => entries.map((key) => key.id === old.id ? { ...key, expiresAt } : key),
  );
  await eventually(() => statusOf(old.text), (status) => status === 401);
  await socket.closed;
  assert.equal(await statusOf(next), 200);
});

Deno.test("a socket that names the session of another principal has one of its own", async () => {
  await using keys = new Keys();
  const [owner, thief] = [await keys.add("owner"), await keys.add("thief")];
  // Each session has a child of its own.
  await using gateway = await keys.start("--stateful", "--children", "session");
  const opened = await post(gateway.mcp, initialize(), { headers: authorized(owner) });
  const session = opened.headers.get("mcp-session-id") ?? "";
  await opened.body?.cancel();
  const { result } = await answer(
    await post(gateway.mcp, callTool(1, "echo"), { session, headers: authorized(owner) }),
  );
  for (const query of ["", `?sessionId=${session}`, `?session=${session}`]) {
    const own = { ...authorized(thief), "Mcp-Session-Id": session };
    await using socket = await connected({ ...gateway, ws: gateway.ws + query }, own);
    const stolen = await socket.ask(callTool(1, "echo"));
    assert.equal(typeof stolen.result.structuredContent.pid, "number", query);
    assert.notEqual(stolen.result.structuredContent.pid, result.structuredContent.pid, query);
  }
});

Deno.test("a session of another principal is as one that does not exist, on every route", async () => {
  await using keys = new Keys();
  const [owner, thief] = [await keys.add("owner"), await keys.add("thief")];
  await using gateway = await keys.start("--stateful");
  const opened = await post(gateway.mcp, initialize(), { headers: authorized(owner) });
  const id = opened.headers.get("mcp-session-id") ?? "";
  await opened.body?.cancel();
  const accept = { Accept: "text/event-stream" };
  const ways: [string, (headers: Record<string, string>) => Promise<Response>][] = [
    ["POST", (headers) => post(gateway.mcp, callTool(2, "echo"), { headers })],
    ["GET", (headers) => fetch(gateway.mcp, { headers: { ...accept, ...headers } })],
    ["resume", (headers) => fetch(gateway.mcp, { headers: { ...accept, ...headers, "Last-Event-ID": "1" } })],
    ["DELETE", (headers) => fetch(gateway.mcp, { method: "DELETE", headers })],
  ];
  for (const [way, ask] of ways) {
    const [foreign, unknown] = await Promise.all([id, crypto.randomUUID()].map(async (session) => {
      const response = await ask({ ...authorized(thief), "Mcp-Session-Id": session });
      return [response.status, await response.text()];
    }));
    assert.equal(foreign?.[0], 404, way);
    assert.deepEqual(foreign, unknown, way);
    const anonymous = await ask({ "Mcp-Session-Id": id });
    await anonymous.body?.cancel();
    assert.equal(anonymous.status, 401, way);
  }
  const sse = await fetch(gateway.sse, { headers: authorized(owner) });
  const reader = sse.body!.pipeThrough(new TextDecoderStream()).getReader();
  const endpoint = /data: (\S+)/.exec((await reader.read()).value ?? "")?.[1] ?? "";
  const url = new URL(endpoint, gateway.sse).href;
  const stolen = await post(url, initialize(), { headers: authorized(thief) });
  const guessed = await post(`${url.slice(0, -4)}ffff`, initialize(), { headers: authorized(thief) });
  assert.equal(stolen.status, 404);
  assert.equal(await stolen.text(), await guessed.text());
  await reader.cancel();
  // All that did not touch it.
  const still = await answer(
    await post(gateway.mcp, { jsonrpc: "2.0", id: 3, method: "ping" }, {
      session: id,
      headers: authorized(owner),
    }),
  );
  assert.deepEqual(still.result, {});
});

Deno.test("the first start makes a key, which show-key prints; a second start makes none", async () => {
  await using keys = new Keys();
  assert.match(
    (await keys.run("show-key")).stderr,
    /^keystone: failed: there is no key in .*api-keys\.first; .*, and keystone keys create makes others\n$/,
  );
  {
    await using gateway = await keys.start();
    await gateway.logged(/no API key, so one was made; it stands in this file file=\S+api-keys\.first/);
  }
  const { code, stdout } = await keys.run("show-key");
  assert.equal(code, 0);
  const { mode } = await Deno.stat(`${keys.folder}/api-keys.first`);
  if (mode !== null) assert.equal(mode & 0o777, 0o600);
  await using gateway = await keys.start();
  const headers = { "X-API-Key": stdout.trim() };
  const answered = await answer(
    await post(gateway.mcp, { jsonrpc: "2.0", id: 1, method: "ping" }, { headers }),
  );
  assert.deepEqual(answered.result, {});
  await keys.run("keys", "revoke", "first");
  assert.match(
    (await keys.run("show-key")).stderr,
    /^keystone: failed: the key in .* does not count any more: it is revoked\n$/,
  );
  // Who has revoked all wants nobody in.
  await gateway.stop();
  await using last = await keys.start();
  assert.doesNotMatch(last.stderr(), /no API key/);
});

Deno.test("a key file in a folder that is missing is refused, and no folder is made", async () => {
  await using keys = new Keys();
  const missing = `${keys.folder}/nope`;
  const { code, stderr } = await keys.run(
    "--port",
    "0",
    "--auth",
    "apiKey",
    "--apiKeyFile",
    `${missing}/k.json`,
    ...ECHO,
  );
  assert.equal(code, 2);
  assert.match(stderr, /^keystone: --apiKeyFile ".*k\.json": there is no folder .*nope; make it, or name/m);
  await assert.rejects(Deno.stat(missing), Deno.errors.NotFound);
});

Deno.test("--auth bearer goes by its file as it stands, and by the variable", async (t) => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/tokens`;
  const [first, second, single] = ["a".repeat(20), "b".repeat(20), "c".repeat(20)];
  await Deno.writeTextFile(path, `# name token\nci ${first} tools\n`, { mode: 0o600 });
  await using gateway = await startKeystone(["--auth", "bearer,apiKey", "--bearerTokenFile", path, ...ECHO], {
    env: { KEYSTONE_BEARER_TOKEN: single, KEYSTONE_STATE_DIR: folder },
  });
  for (const [wire, knock] of DOORS) {
    await t.step(wire, async () => {
      const statusOf = async (token: string) =>
        (await knock(gateway.port, { headers: { Authorization: `bearer  ${token}` } })).status;
      const letIn = wire === "WebSocket" ? 101 : 200;
      assert.equal(await statusOf(first), letIn);
      assert.equal(await statusOf(single), letIn);
      assert.equal(await statusOf(second), 401);
      assert.equal(await statusOf(`${first}x`), 401);
      assert.equal((await knock(gateway.port, { headers: { "X-API-Key": first } })).status, 401);
    });
  }
  const statusOf = async (token: string) => {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await post(gateway.mcp, { jsonrpc: "2.0", id: 1, method: "ping" }, { headers });
    await response.body?.cancel();
    return response.status;
  };
  await Deno.writeTextFile(path, `ci ${second}\n`);
  await eventually(() => statusOf(second), (status) => status === 200);
  assert.equal(await statusOf(first), 401);
  await Deno.writeTextFile(path, "ci\n");
  // It is looked at while somebody calls.
  const trouble = /Credentials cannot be read, and those before still count .*line 1: expected a token/;
  await eventually(async () => [await statusOf(second), gateway.stderr()] as const, ([status, log]) => {
    assert.equal(status, 200);
    return trouble.test(log);
  });
  await Deno.remove(path);
  await eventually(() => statusOf(second), (status) => status === 401);
  assert.equal(await statusOf(single), 200);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("--auth basic goes by the users that keystone users has written", async (t) => {
  await using keys = new Keys();
  const command = (args: string[], password: string) =>
    withInput(["users", ...args], `${password}\n`, keys.env);
  assert.match((await command(["add", "ann", "--scope", "tools"], "right one")).stderr, /User "ann" is in/);
  assert.match((await command(["add", "ann"], "another one")).stderr, /already/);
  assert.match((await command(["add", "bob"], "short")).stderr, /too short: expected 8 characters/);
  assert.match((await withInput(["users", "add", "bob"], "", keys.env)).stderr, /No password is given/);
  const listed = JSON.parse((await keys.run("users", "list", "--json")).stdout);
  assert.deepEqual(listed.map(({ name, scopes }: KeyEntry) => [name, scopes]), [["ann", ["tools"]]]);
  assert.doesNotMatch(JSON.stringify(listed), /scrypt/);
  await using gateway = await startKeystone(["--auth", "basic", ...ECHO], { env: keys.env });
  const login = (name: string, password: string) => ({
    Authorization: `Basic ${btoa(`${name}:${password}`)}`,
  });
  for (const [wire, knock] of DOORS) {
    await t.step(wire, async () => {
      const statusOf = async (headers: Record<string, string>) =>
        (await knock(gateway.port, { headers })).status;
      assert.equal(await statusOf(login("ann", "right one")), wire === "WebSocket" ? 101 : 200);
      for (
        const wrong of [login("ann", "wrong one"), login("eve", "right one"), { Authorization: "Basic !" }]
      ) {
        assert.equal(await statusOf(wrong), 401);
      }
      const { headers } = await knock(gateway.port);
      assert.equal(headers.get("www-authenticate"), 'Basic realm="keystone", charset="UTF-8"');
    });
  }
  const statusOf = async (password: string) => {
    const headers = login("ann", password);
    const response = await post(gateway.mcp, { jsonrpc: "2.0", id: 1, method: "ping" }, { headers });
    await response.body?.cancel();
    return response.status;
  };
  await command(["password", "ann"], "newer one");
  await eventually(() => statusOf("newer one"), (status) => status === 200);
  assert.equal(await statusOf("right one"), 401);
  await keys.run("users", "remove", "ann");
  await eventually(() => statusOf("newer one"), (status) => status === 401);
  assert.doesNotMatch(gateway.stderr(), /right one|newer one|cmlnaHQ/);
});

Deno.test("a file of secrets that others may read is refused, with the way out", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/tokens`;
  await Deno.writeTextFile(path, `ci ${"a".repeat(20)}\n`);
  await Deno.chmod(path, 0o644);
  const { code, stderr } = await runKeystone([
    "--auth",
    "bearer",
    "--bearerTokenFile",
    path,
    "--port",
    "0",
    ...ECHO,
  ]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^keystone: --bearerTokenFile ".*": others than its owner may use it \(mode 0644\).*\(chmod 600\)\n$/m,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("who can let nobody in is told so at the start, and how to mend it", async () => {
  await using keys = new Keys();
  await Deno.writeTextFile(`${keys.folder}/tokens`, "# none\n", { mode: 0o600 });
  await keys.add("gone", { revokedAt: new Date().toISOString() });
  const flags = ["--auth", "apiKey,basic,bearer", "--bearerTokenFile", `${keys.folder}/tokens`];
  await using gateway = await startKeystone([...flags, ...ECHO], { env: keys.env });
  await gateway.logged(
    /WRN Nobody is let in by apiKey so far; keystone keys create --name NAME makes a key/,
  );
  await gateway.logged(/WRN Nobody is let in by basic so far; keystone users add NAME makes a user/);
  await gateway.logged(/WRN Nobody is let in by bearer so far; a line in its file/);
});

Deno.test("--authOptional lets in who brings nothing, and never who brings what is wrong", async () => {
  await using keys = new Keys();
  const key = await keys.add("ci");
  await using gateway = await keys.start("--authOptional");
  for (const knock of DOORS.values()) {
    assert.match(`${(await knock(gateway.port)).status}`, /^(200|101)$/);
    assert.match(`${(await knock(gateway.port, { headers: authorized(key) })).status}`, /^(200|101)$/);
    const { status, body } = await knock(gateway.port, { headers: authorized(makeKey()) });
    assert.equal(status, 401);
    assert.deepEqual(JSON.parse(body).error.data, { auth: { kinds: ["apiKey"], required: false } });
  }
  // Who was let in is told as well, to come with credentials the next time.
  const { result } = await answer(await post(gateway.mcp, initialize()));
  assert.deepEqual(result._meta, { "keystone/auth": { kinds: ["apiKey"], required: false } });
});

Deno.test("a ticket opens one event stream or one socket, as who has asked for it", async () => {
  await using keys = new Keys();
  const key = await keys.add("ci");
  await using gateway = await keys.start("--logLevel", "debug");
  const office = new URL("/auth/ticket", gateway.mcp);
  const anonymous = await fetch(office, { method: "POST" });
  assert.equal(anonymous.status, 401);
  await anonymous.body?.cancel();
  const wrong = await fetch(office, { headers: authorized(key) });
  assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "POST"]);
  await wrong.body?.cancel();
  const issue = async () => {
    const response = await fetch(office, { method: "POST", headers: authorized(key) });
    assert.equal(response.headers.get("cache-control"), "no-store");
    const { ticket, expiresInSeconds } = await response.json();
    assert.equal(expiresInSeconds, 30);
    return ticket;
  };
  for (const [wire, status] of [["SSE", 200], ["WebSocket", 101]] as const) {
    const query = `?ticket=${await issue()}`;
    const knock = DOORS.get(wire)!;
    assert.equal((await knock(gateway.port, { query })).status, status);
    assert.equal((await knock(gateway.port, { query })).status, 401);
    await gateway.logged(
      new RegExp(`Caller is known .*kind=ticket .*credential=${key.id} .*principal=apiKey/ci`),
    );
    assert.doesNotMatch(gateway.stderr(), new RegExp(query.slice(1)));
  }
  // A request can have headers.
  const query = `?ticket=${await issue()}`;
  assert.equal((await DOORS.get("Streamable HTTP")!(gateway.port, { query })).status, 401);
});

Deno.test("a browser's WebSocket brings a token among its protocols, and is answered with its own", async () => {
  await using keys = new Keys();
  const key = await keys.add("ci");
  await using gateway = await keys.start();
  const knock = DOORS.get("WebSocket")!;
  const protocol = (text: string) => ({ headers: { "Sec-WebSocket-Protocol": text } });
  const { status, headers } = await knock(gateway.port, protocol(`mcp, bearer.${key.text}`));
  assert.deepEqual([status, headers.get("sec-websocket-protocol")], [101, "mcp"]);
  assert.equal((await knock(gateway.port, protocol(`mcp, bearer.${makeKey().text}`))).status, 401);
  assert.equal((await knock(gateway.port, protocol("mcp"))).status, 401);
});

Deno.test("a socket is never open to all, whatever else is on its path", async () => {
  await using keys = new Keys();
  const key = await keys.add("ci");
  const knock = (gateway: Keystone, path: string, headers = {}) =>
    rawRequest(gateway.port, upgradeRequest(path, headers));
  const layouts = [[["--healthEndpoint", "/ws"], "/ws"], [["--wsPath", "/health"], "/health"]] as const;
  for (const [flags, path] of layouts) {
    await using gateway = await keys.start(...flags);
    using stranger = await knock(gateway, path);
    assert.equal(stranger.status, 401, path);
    using known = await knock(gateway, path, authorized(key));
    assert.equal(known.status, 101, path);
    const probe = await fetch(new URL(path, gateway.mcp));
    assert.equal(probe.status, 200, path);
    await probe.body?.cancel();
  }
});

Deno.test("whoever proves nothing learns of no route but those of health", async () => {
  await using keys = new Keys();
  await using gateway = await keys.start("--healthEndpoint", "/live", "--cors");
  const { origin } = new URL(gateway.mcp);
  for (const path of ["/mcp", "/sse", "/message", "/nothing", "/", "/mcp/x"]) {
    const response = await fetch(origin + path);
    assert.equal(response.status, 401, path);
    assert.match(response.headers.get("access-control-expose-headers") ?? "x", /WWW-Authenticate|x/);
    await response.body?.cancel();
  }
  for (const path of ["/health", "/live"]) {
    const response = await fetch(origin + path);
    assert.equal(response.status, 200, path);
    await response.body?.cancel();
  }
  // A browser asks without credentials whether it may send some.
  const preflight = await fetch(gateway.mcp, {
    method: "OPTIONS",
    headers: {
      Origin: "https://app.example",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "x-api-key",
    },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /x-api-key/i);
});

interface Socket extends AsyncDisposable {
  /** One question after the other. */
  ask(message: unknown): Promise<AnyMessage>;
  /** Settles when the gateway has closed it. */
  readonly closed: Promise<unknown>;
}

async function connected({ ws }: Keystone, headers: Record<string, string>): Promise<Socket> {
  const socket = new WebSocket(ws, { headers });
  const closed = new Promise((resolve) => socket.onclose = resolve);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const ask = (message: unknown) =>
    new Promise<AnyMessage>((resolve) => {
      socket.onmessage = ({ data }) => resolve(JSON.parse(data));
      socket.send(JSON.stringify(message));
    });
  await ask(initialize());
  return {
    ...{ closed, ask },
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed;
    },
  };
}

/** A command that reads what it is given. */
async function withInput(args: readonly string[], input: string, env: Record<string, string>) {
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", main, ...args],
    ...{ stdin: "piped", stdout: "piped", stderr: "piped", env: { NO_COLOR: "1", ...env } },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out ?? "", stderr: err ?? "" };
}
