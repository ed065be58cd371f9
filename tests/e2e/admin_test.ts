/** The admin endpoint of a gateway in the foreground, over its real socket. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { type Keystone, SCRIPTED, startKeystone, TextLog } from "../support/keystone.ts";
import { networkAddress } from "../support/raw_bytes.ts";
import { rawRequest } from "../support/raw_http.ts";
import { answer, beginSession, callTool, post } from "../support/rpc.ts";

interface Administered extends AsyncDisposable {
  readonly gateway: Keystone;
  readonly folder: string;
  readonly port: number;
  readonly tokenFile: string;
  readonly token: string;
  /** With the token. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

async function administered(...flags: string[]): Promise<Administered> {
  const folder = await Deno.makeTempDir({ prefix: "keystone-state-" });
  const own = ["--runtimeAdminPort", "0", "--stateDir", folder, ...flags];
  const gateway = await startKeystone(own, { server: SCRIPTED }).catch(async (error) => {
    await Deno.remove(folder, { recursive: true });
    throw error;
  });
  const log = await gateway.logged(/Admin endpoint serves .*\n/);
  const [, url = "", tokenFile = ""] = /url=(\S+) file=(\S+)/.exec(log) ?? [];
  const token = (await Deno.readTextFile(tokenFile)).trimEnd();
  return {
    ...{ gateway, folder, tokenFile, token, port: Number(new URL(url).port) },
    ask: (path, { headers, ...init } = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { ...headers, Authorization: `Bearer ${token}` } }),
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("the admin endpoint answers who has the token of the file, which its owner alone can read", async () => {
  await using admin = await administered();
  const { gateway, tokenFile, folder, port, ask } = admin;
  assert.equal(tokenFile, `${folder}/admin-${port}.token`);
  if (Deno.build.os !== "windows") assert.equal((await Deno.stat(tokenFile)).mode! & 0o777, 0o600);
  await answer(await post(gateway.mcp, callTool(1, "echo")));
  const { pid, urls, health, children } = await (await ask("/status")).json();
  assert.deepEqual([pid, urls, health.status, children], [
    gateway.pid,
    [gateway.mcp, gateway.sse, gateway.ws],
    "ok",
    1,
  ]);
  await gateway.logged(/Admin endpoint was called method=GET path=\/status status=200/);
  assert(!gateway.stderr().includes(admin.token));
});

Deno.test("the admin endpoint refuses strangers, web pages and foreign hosts, and the log says why", async (t) => {
  await using admin = await administered();
  const { port, token, gateway } = admin;
  const authorization = `Bearer ${token}`;
  const cases: [string, number, Record<string, string>][] = [
    ["no token", 401, {}],
    ["a wrong token", 401, { authorization: `Bearer ${token.toUpperCase()}` }],
    ["Host of another port", 403, { authorization, Host: `127.0.0.1:${port + 1}` }],
    ["Host 127.0.0.2", 403, { authorization, Host: `127.0.0.2:${port}` }],
    ["a Host that leads here by DNS", 403, { authorization, Host: `evil.example:${port}` }],
    ["a foreign Origin", 403, { authorization, Origin: "https://evil.example" }],
    ["its own Origin", 403, { authorization, Origin: `http://127.0.0.1:${port}` }],
    ["the right token", 200, { authorization }],
    ["the name of the address", 200, { authorization, Host: `localhost:${port}` }],
  ];
  for (const [what, status, headers] of cases) {
    await t.step(`${what}: ${status}`, async () => {
      using response = await rawRequest(port, { path: "/status", headers });
      assert.equal(response.status, status);
      assert.equal(response.headers.get("access-control-allow-origin"), null);
      const { error } = JSON.parse(response.body);
      assert.equal(typeof error, status === 200 ? "undefined" : "string");
    });
  }
  await gateway.logged(/Call of the admin endpoint was refused .*status=401 .*token/);
  await gateway.logged(/Call of the admin endpoint was refused .*status=403 .*Origin/);
});

Deno.test({
  name: "the admin endpoint is on 127.0.0.1 alone, whatever --host says",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using admin = await administered("--host", "0.0.0.0", "--unauthenticated");
    const { port, gateway } = admin;
    const outside = networkAddress();
    // The gateway is on all of them.
    for (const hostname of ["127.0.0.2", ...outside ? [outside] : []]) {
      (await Deno.connect({ hostname, port: gateway.port })).close();
      await assert.rejects(Deno.connect({ hostname, port }), Deno.errors.ConnectionRefused, hostname);
    }
  },
});

Deno.test("the admin endpoint tells events as they come, to the end of the gateway", async () => {
  await using admin = await administered();
  const { gateway, ask } = admin;
  const response = await ask("/events");
  const events = new TextLog(response.body!);
  await events.matching(/^:\n\n/);
  await answer(await post(gateway.mcp, callTool(1, "say", { text: "password=hunter2secret" })));
  await events.matching(/event: child\.started\n[^]*event: request\.finished\n/);
  await events.matching(/event: child\.stderr\ndata: .*"line":"password=\[REDACTED\]"/);
  assert(!events.text.includes("hunter2secret"));
  const ids = [...events.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  assert.deepEqual(ids, ids.map((_, index) => index + 1));
  const stopped = await ask("/stop", { method: "POST" });
  assert.deepEqual([stopped.status, await stopped.json()], [202, { stopping: true }]);
  await inTime(events.ended, "the end of the stream");
  assert.match(events.text, /event: gateway\.stopping\n[^]*event: gateway\.stopped\n/);
  assert.equal((await gateway.status).code, 0);
  assert.match(gateway.stderr(), /path=\/stop status=202 changed="the gateway stops"/);
  assert.match(gateway.stderr(), /Gateway is stopping reason="POST \/stop of the admin endpoint"/);
  await assert.rejects(Deno.stat(admin.tokenFile), Deno.errors.NotFound);
});

Deno.test("the admin endpoint has a new token at each start, and no file after the end", async () => {
  const tokens = new Set<string>();
  for (let count = 0; count < 2; count++) {
    await using admin = await administered();
    tokens.add(admin.token);
    await admin.gateway.stop();
    assert.deepEqual(await Array.fromAsync(Deno.readDir(admin.folder)), []);
  }
  assert.equal(tokens.size, 2);
});

Deno.test("without --runtimeAdminPort there is no admin endpoint, and no state folder", async () => {
  const parent = await Deno.makeTempDir();
  {
    await using _gateway = await startKeystone(["--stateDir", `${parent}/state`], { server: SCRIPTED });
    assert.deepEqual(await Array.fromAsync(Deno.readDir(parent)), []);
  }
  await Deno.remove(parent);
});

Deno.test("--logFile takes the log from stderr, for its owner alone", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/log`;
  {
    await using gateway = await startKeystone(["--logFile", path], { server: SCRIPTED });
    await gateway.stop();
    assert.equal(gateway.stderr(), "");
  }
  assert.match(await Deno.readTextFile(path), /Gateway started[^]*Gateway stopped\n$/);
  if (Deno.build.os !== "windows") assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  await Deno.remove(folder, { recursive: true });
});

async function variableOf(url: string, session: string, name: string): Promise<unknown> {
  const { result } = await answer(await post(url, callTool(1, "env", { name }), { session }));
  return result.structuredContent.value;
}

Deno.test("the admin endpoint changes the environment of one running session, which keeps its id", async () => {
  await using admin = await administered("--stateful");
  const { gateway: { mcp }, ask } = admin;
  const [one, other] = [await beginSession(mcp), await beginSession(mcp)];
  assert.equal(await variableOf(mcp, one, "SHADE"), null);
  const change = (body: unknown, headers = {}) =>
    ask(`/runtime/session/${one}?restart=now`, { method: "POST", body: JSON.stringify(body), headers });
  const changed = await change({ env: { SHADE: "dark", API_TOKEN: "not-to-be-shown" } });
  const { override, restart } = await changed.json();
  assert.deepEqual(override, { env: { SHADE: "dark", API_TOKEN: "[REDACTED]" } });
  assert.deepEqual(restart, [one]);
  assert.equal(await variableOf(mcp, one, "SHADE"), "dark");
  assert.equal(await variableOf(mcp, other, "SHADE"), null);
  const { sessions } = await (await ask("/runtime/sessions")).json();
  const report = sessions.find(({ id }: { id: string }) => id === one);
  assert.deepEqual([report.wire, report.client.name, report.restarts], ["streamableHttp", "test", 1]);
  // Of two who have read the same version, the second one hears that he is late.
  const etag = changed.headers.get("etag") ?? "";
  const [first, second] = [
    await change({ env: { SHADE: null } }, { "If-Match": etag }),
    await change({}, { "If-Match": etag }),
  ];
  assert.deepEqual([first.status, second.status], [200, 412]);
  await Promise.all([first, second].map(({ body }) => body?.cancel()));
  assert.equal(await variableOf(mcp, one, "SHADE"), null);
  assert(!admin.gateway.stderr().includes("not-to-be-shown"));
});

Deno.test("the admin endpoint ends a session, and tells what it cannot do", async () => {
  await using admin = await administered("--stateful");
  const { gateway: { mcp }, ask } = admin;
  const session = await beginSession(mcp);
  assert.equal((await (await ask(`/runtime/sessions/${session}`, { method: "DELETE" })).json()).ended, true);
  const gone = await post(mcp, callTool(1, "echo"), { session });
  assert.equal(gone.status, 404);
  await gone.body?.cancel();
  const refused = await ask("/runtime/defaults", { method: "POST", body: '{"port":1,"headers":{}}' });
  const { problems } = await refused.json();
  assert.deepEqual([refused.status, problems.length], [400, 2]);
});

Deno.test("the admin endpoint has the server of a session opened again, and the session keeps its id", async () => {
  await using admin = await administered("--stateful");
  const { gateway: { mcp }, ask } = admin;
  const session = await beginSession(mcp);
  const pid = async () => {
    const { result } = await answer(await post(mcp, callTool(1, "echo"), { session }));
    return result.structuredContent.pid;
  };
  const before = await pid();
  const restarted = await ask(`/runtime/session/${session}/restart?restart=now`, { method: "POST" });
  assert.deepEqual([restarted.status, await restarted.json()], [202, { restart: "now" }]);
  assert.notEqual(await pid(), before);
});

Deno.test("the admin endpoint tells the configuration that counts, with its sources and without secrets", async () => {
  await using admin = await administered("--stateful", "--env", "API_TOKEN=not-to-be-shown");
  const text = await (await admin.ask("/config")).text();
  assert(!text.includes("not-to-be-shown"));
  const { clients } = JSON.parse(text);
  assert.deepEqual(clients.stateful, { value: "true", source: "--stateful" });
});
