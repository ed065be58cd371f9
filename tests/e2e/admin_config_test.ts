/** What is set of the configuration while it is served, by PATCH /config over the real socket. */
import assert from "node:assert/strict";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, type AnyMessage, beginSession, callTool, post } from "../support/rpc.ts";

interface Rig extends AsyncDisposable {
  readonly gateway: Keystone;
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The status, the version and the body of the answer. */
  patch(change: unknown, ifMatch?: string): Promise<Patched>;
  write(servers: Readonly<Record<string, unknown>>): Promise<void>;
  url(name: string): string;
}

interface Patched {
  readonly status: number;
  readonly etag: string;
  readonly said: AnyMessage;
}

const [COMMAND = "", ...ARGS] = SCRIPTED;
const SERVER = { command: COMMAND, args: ARGS, stateful: true, children: "session" };

/** Without servers there is no file, and the flags give one. */
async function serving(
  servers: Readonly<Record<string, unknown>> | undefined,
  ...flags: string[]
): Promise<Rig> {
  const folder = await Deno.makeTempDir({ prefix: "keystone-config-" });
  const file = `${folder}/keystone.json`;
  const write = (servers: Readonly<Record<string, unknown>>) =>
    Deno.writeTextFile(file, JSON.stringify({ listen: { port: 0 }, log: { level: "info" }, servers }));
  if (servers) await write(servers);
  const own = ["--runtimeAdminPort", "0", "--stateDir", `${folder}/state`, ...flags];
  const gateway =
    await (servers ? startKeystone(["--config", file, ...own]) : startKeystone(own, { server: SCRIPTED }));
  const log = await gateway.logged(/Admin endpoint serves .*\n/);
  const [, base = "", tokenFile = ""] = /url=(\S+) file=(\S+)/.exec(log) ?? [];
  const Authorization = `Bearer ${(await Deno.readTextFile(tokenFile)).trimEnd()}`;
  const ask: Rig["ask"] = (path, { headers, ...init } = {}) =>
    fetch(`${base}${path}`, { ...init, headers: { ...headers, Authorization } });
  return {
    ...{ gateway, ask, write },
    async patch(change, ifMatch) {
      const headers = ifMatch === undefined ? {} : { "If-Match": ifMatch };
      const response = await ask("/config", { method: "PATCH", body: JSON.stringify(change), headers });
      return {
        status: response.status,
        etag: response.headers.get("etag") ?? "",
        said: await response.json(),
      };
    },
    url: (name) => `http://127.0.0.1:${gateway.port}/${name}/mcp`,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function pidOf(url: string, session: string): Promise<number> {
  const { result } = await answer(await post(url, callTool(1, "echo"), { session }));
  return result.structuredContent.pid;
}

async function variableOf(url: string, name: string): Promise<unknown> {
  const session = await beginSession(url);
  const { result } = await answer(await post(url, callTool(1, "env", { name }), { session }));
  return result.structuredContent.value;
}

Deno.test("PATCH /config adds a server and changes another, and a third one keeps its session, also when the file is read anew", async () => {
  await using rig = await serving({ kept: SERVER, other: SERVER });
  const session = await beginSession(rig.url("kept"));
  const pid = await pidOf(rig.url("kept"), session);
  const { status, said } = await rig.patch({
    servers: { fresh: SERVER, other: { requestTimeout: "7s", env: { SHADE: "s3cret-dark" } } },
  });
  assert.deepEqual([status, said], [200, {
    ...{ kind: "applied", added: ["fresh"], changed: ["other"], removed: [], later: [] },
  }]);
  assert.equal(await pidOf(rig.url("kept"), session), pid);
  assert.equal(await variableOf(rig.url("other"), "SHADE"), "s3cret-dark");
  await rig.write({ kept: SERVER, other: SERVER, third: SERVER });
  const reloaded = await (await rig.ask("/reload", { method: "POST" })).json();
  assert.deepEqual([reloaded.added, reloaded.changed, reloaded.removed], [["third"], [], []]);
  assert.equal(await variableOf(rig.url("other"), "SHADE"), "s3cret-dark");
  await pidOf(rig.url("fresh"), await beginSession(rig.url("fresh")));
  assert.equal(await pidOf(rig.url("kept"), session), pid);
  const text = await (await rig.ask("/config")).text();
  const { servers } = JSON.parse(text);
  assert.deepEqual(servers.other.requestTimeout, { value: "7s", source: "runtime" });
  assert.equal(servers.fresh.command.source, "runtime");
  const back = await rig.patch({ servers: { fresh: null, other: null } });
  assert.deepEqual([back.said.removed, back.said.changed], [["fresh"], ["other"]]);
  assert.equal(await variableOf(rig.url("other"), "SHADE"), null);
  const line = await rig.gateway.logged(/method=PATCH path=\/config status=200.*/);
  assert.match(line, /servers\.other\.env\.SHADE/);
  assert(!(text + rig.gateway.stderr()).includes("s3cret-dark"));
});

Deno.test("PATCH /config refuses what is wrong with all that is, and then nothing has changed", async () => {
  await using rig = await serving({ one: SERVER, two: SERVER });
  const session = await beginSession(rig.url("one"));
  const pid = await pidOf(rig.url("one"), session);
  const { status, said } = await rig.patch({
    servers: { one: { requestTimeout: "soon", childen: "shared" }, three: SERVER, "no name": SERVER },
  });
  assert.equal(status, 422);
  assert.equal(said.kind, "refused");
  for (
    const part of [/requestTimeout "soon": expected/, /childen: unknown key/, /no name.*: expected a name/]
  ) {
    assert(said.problems.some((problem: string) => part.test(problem)), `${part} of ${said.problems}`);
  }
  for (const admin of [{ port: 1 }, { stateDir: "/elsewhere" }, null]) {
    const refused = await rig.patch({ admin });
    assert.deepEqual([refused.status, /^admin: cannot be changed/.test(refused.said.problems[0])], [
      422,
      true,
    ]);
  }
  const more = await rig.patch({ admin: { port: 1 }, nonsense: {} });
  assert.equal(more.said.problems.length, 2);
  const none = await rig.ask("/config", { method: "PATCH", body: "[]" });
  assert.match((await none.json()).error, /expected an object shaped as a configuration file/);
  assert.equal(none.status, 400);
  assert.equal(await pidOf(rig.url("one"), session), pid);
  const { servers } = await (await rig.ask("/config")).json();
  assert.deepEqual(Object.keys(servers), ["one", "two"]);
});

Deno.test("PATCH /config of two who have read the same version is taken from one", async () => {
  await using rig = await serving({ one: SERVER, two: SERVER });
  const read = await rig.ask("/config");
  await read.body?.cancel();
  const etag = read.headers.get("etag") ?? "";
  const both = await Promise.all([
    rig.patch({ servers: { one: { requestTimeout: "5s" } } }, etag),
    rig.patch({ servers: { one: { requestTimeout: "6s" } } }, etag),
  ]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412]);
  assert.equal(both[0]?.etag, both[1]?.etag);
  assert.notEqual(both[0]?.etag, etag);
});

Deno.test("PATCH /config goes before flags where there is no file, and tells what has to wait for the next start", async () => {
  await using rig = await serving(undefined, "--requestTimeout", "9s");
  const change = { timeouts: { request: "3s" }, listen: { port: 1 } };
  const { status, said } = await rig.patch(change);
  assert.deepEqual([status, said.kind, said.later, said.changed.length], [200, "applied", ["listen"], 1]);
  const { timeouts } = await (await rig.ask("/config")).json();
  assert.deepEqual(timeouts.request, { value: "3s", source: "runtime" });
  const reload = await rig.ask("/reload", { method: "POST" });
  assert.equal(reload.status, 501);
  await reload.body?.cancel();
  await rig.patch({ timeouts: null, listen: null });
  const { timeouts: back } = await (await rig.ask("/config")).json();
  assert.deepEqual(back.request, { value: "9s", source: "--requestTimeout" });
});
