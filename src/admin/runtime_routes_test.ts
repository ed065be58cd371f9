import assert from "node:assert/strict";
import { Caller } from "../core/caller.ts";
import { ConflictError, RequestError } from "../core/errors.ts";
import type { Override } from "../overrides/override.ts";
import type { ChangeOptions, Runtime } from "../overrides/runtime.ts";
import { recorder } from "../../tests/support/recorder.ts";
import { createAdmin } from "./create_admin.ts";
import { runtimeRoutes } from "./runtime_routes.ts";

const PORT = 9900;
const TOKEN = "the-right-token-of-the-endpoint";
const APPLIED = {
  value: { env: { KEY: "[REDACTED]" } },
  etag: '"e-1"',
  live: ["s1"],
  restart: ["s1"],
  kept: [],
};

/** Says what it was asked, as a runtime of the kind. */
function runtimeOf(sessions: readonly string[], kind: "command" | "remote" = "command") {
  const asked: unknown[][] = [];
  const change = (...what: unknown[]) => {
    asked.push(what);
    const options = what.at(-1) as ChangeOptions;
    if (options.ifMatch === '"old"') {
      throw new ConflictError("It was changed", { headers: { ETag: '"e-1"' } });
    }
    return APPLIED;
  };
  const runtime: Pick<Runtime, Exclude<keyof Runtime, never>> = {
    kind,
    defaults: () => ({ value: {}, etag: '"e-0"' }),
    changeDefaults: (override: Override, options?: ChangeOptions) => change("defaults", override, options),
    clearDefaults: (options?: ChangeOptions) => change("clear", options),
    has: (id: string) => sessions.includes(id),
    session: () => ({ value: {}, etag: '"e-0"' }),
    changeSession: (id: string, override: Override, options?: ChangeOptions) => change(id, override, options),
    clearSession: (id: string, options?: ChangeOptions) => change(id, options),
    restartSession(id: string, when?: string) {
      if (id === "shared") throw new RequestError("It shares its server", { status: 409 });
      asked.push(["restart", id, when]);
    },
    endSession: (id: string) => void asked.push(["end", id]),
    sessions: () => [],
  };
  return { asked, runtime: runtime as Runtime };
}

function rig(servers: Readonly<Record<string, ReturnType<typeof runtimeOf>>>) {
  const { emit, told } = recorder();
  const runtimes = new Map(Object.entries(servers).map(([name, { runtime }]) => [name, runtime]));
  const target = {
    ...{
      status: () => ({}) as never,
      stop: () => {},
      config: () => Promise.resolve({ value: {}, etag: '"0"' }),
      changeConfig: () => Promise.reject(new Error("nobody sets anything here")),
      subscribe: () => () => {},
    },
  };
  const mounts = { "/runtime": runtimeRoutes(() => runtimes) };
  const admin = createAdmin(target, { token: TOKEN, port: PORT, tokenFile: "/state/x.json", emit, mounts });
  const call = async (
    line: string,
    { body, headers = {} }: { body?: string; headers?: HeadersInit } = {},
  ) => {
    const [method = "", path = ""] = line.split(" ");
    const request = new Request(`http://127.0.0.1:${PORT}/runtime${path}`, {
      method,
      headers: { host: `127.0.0.1:${PORT}`, authorization: `Bearer ${TOKEN}`, ...headers },
      ...body !== undefined && { body },
    });
    const response = await admin.request(request, new Caller({ address: "127.0.0.1", drop: () => {} }));
    return { status: response.status, etag: response.headers.get("etag"), said: await response.json() };
  };
  return { call, told };
}

Deno.test("runtimeRoutes change the defaults of the only server, and tell what has come of it", async () => {
  const only = runtimeOf([]);
  const { call, told } = rig({ files: only });
  assert.deepEqual(await call("GET /defaults"), { status: 200, etag: '"e-0"', said: { override: {} } });
  const body = '{"env":{"KEY":"value"}}';
  const changed = await call("POST /defaults?restart=now", { body, headers: { "If-Match": '"e-0"' } });
  assert.deepEqual([changed.status, changed.etag], [200, '"e-1"']);
  assert.deepEqual(changed.said, {
    override: { env: { KEY: "[REDACTED]" } },
    live: ["s1"],
    restart: ["s1"],
    kept: [],
  });
  assert.deepEqual(only.asked, [["defaults", { env: { KEY: "value" } }, {
    ifMatch: '"e-0"',
    restart: "now",
  }]]);
  assert.equal((await call("DELETE /defaults")).status, 200);
  const [, , posted] = told("admin.called");
  assert.equal(told("admin.called")[1]?.changed, "defaults of files: live 1, restart 1, kept 0");
  assert.doesNotMatch(JSON.stringify(posted), /value/);
});

Deno.test("runtimeRoutes want to know which of several servers is meant", async () => {
  const [one, two] = [runtimeOf([]), runtimeOf(["s2"], "remote")];
  const { call } = rig({ one, two });
  const unnamed = await call("POST /defaults", { body: "{}" });
  assert.equal(unnamed.status, 400);
  assert.match(unnamed.said.error, /server: expected one of them, as \?server=NAME: "one", "two"/);
  assert.equal((await call("GET /defaults?server=three")).status, 404);
  await call("POST /defaults?server=two", { body: '{"bearer":"token"}' });
  assert.deepEqual([one.asked.length, two.asked[0]?.[1]], [0, {
    headers: { authorization: "Bearer token" },
  }]);
  // A session is looked for at all of them.
  await call("POST /session/s2", { body: '{"headers":{"X-Tenant":"blue"}}' });
  assert.deepEqual(two.asked[1]?.slice(0, 2), ["s2", { headers: { "x-tenant": "blue" } }]);
});

Deno.test("runtimeRoutes refuse an override as a whole, and name all that is wrong with it", async () => {
  const { call } = rig({ files: runtimeOf(["s1"]) });
  const body = '{"env":{"A=B":"x","C":7},"command":"rm","nonsense":1,"headers":{}}';
  for (const path of ["/defaults", "/session/s1"]) {
    const { status, said } = await call(`POST ${path}`, { body });
    assert.equal(status, 400);
    for (const key of ["env.A…", "env.C", "command", "nonsense", "headers"]) {
      assert(said.problems.some((problem: string) => problem.startsWith(key)), `${key} in ${said.problems}`);
    }
  }
  for (const text of ["{", "", "[]", "7", "null"]) {
    assert.equal((await call("POST /defaults", { body: text })).status, 400, text);
  }
  assert.match(
    (await call("POST /defaults?restart=soon", { body: "{}" })).said.error,
    /restart "soon": expected idle, now or never/,
  );
});

Deno.test("runtimeRoutes tell who comes late, and with what is known by now", async () => {
  const { call } = rig({ files: runtimeOf(["s1"]) });
  for (const line of ["POST /defaults", "POST /session/s1", "DELETE /defaults", "DELETE /session/s1"]) {
    const { status, etag } = await call(line, {
      headers: { "If-Match": '"old"' },
      ...line.startsWith("POST") && { body: "{}" },
    });
    assert.deepEqual([status, etag], [412, '"e-1"'], line);
  }
});

Deno.test("runtimeRoutes open the server of a session again, end sessions, and know which there are", async () => {
  const files = runtimeOf(["s1", "shared"]);
  const { call, told } = rig({ files });
  assert.deepEqual((await call("GET /sessions")).said, { sessions: [] });
  assert.equal((await call("POST /session/s1/restart?restart=now")).status, 202);
  assert.equal((await call("POST /session/s1/restart?restart=never")).status, 400);
  assert.equal((await call("POST /session/shared/restart")).status, 409);
  assert.equal((await call("DELETE /sessions/s1")).status, 200);
  assert.deepEqual(files.asked, [["restart", "s1", "now"], ["end", "s1"]]);
  for (
    const line of ["GET /session/x", "DELETE /session/x", "POST /session/x/restart", "DELETE /sessions/x"]
  ) {
    assert.equal((await call(line)).status, 404, line);
  }
  assert(told("admin.called").some(({ changed }) => changed === "session s1 ended"));
});
