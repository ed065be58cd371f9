import assert from "node:assert/strict";
import { Hono } from "hono";
import { Caller } from "../core/caller.ts";
import { ConfigError } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import { recorder } from "../../tests/support/recorder.ts";
import type { AdminEnv } from "./admin_env.ts";
import { createAdmin } from "./create_admin.ts";
import type { AdminTarget, GatewayStatus } from "./target.ts";

const PORT = 9900;
const TOKEN = "the-right-token-of-the-endpoint";
const STATUS: GatewayStatus = {
  version: "1.2.3",
  pid: 4711,
  startedAt: "2026-01-01T00:00:00.000Z",
  uptimeSeconds: 1,
  urls: [],
  openRequests: 0,
  servers: {},
  health: { status: "ok", serving: true },
  sessions: 0,
  children: 0,
  restarts: 0,
};

interface CallOptions {
  readonly address?: string;
  readonly body?: string;
  readonly headers?: Record<string, string | undefined>;
}

function rig(parts: Partial<AdminTarget> = {}, mounts = {}) {
  const recorded = recorder();
  const stops: string[] = [];
  const sinks = new Set<Sink>();
  const target: AdminTarget = {
    status: () => STATUS,
    stop: (reason) => void stops.push(reason),
    config: () =>
      Promise.resolve({ value: { log: { level: { value: "info", source: "default" } } }, etag: '"1"' }),
    changeConfig: () => Promise.reject(new Error("nobody sets anything here")),
    subscribe(sink) {
      sinks.add(sink);
      return () => void sinks.delete(sink);
    },
    ...parts,
  };
  const admin = createAdmin(target, {
    ...{ token: TOKEN, port: PORT, tokenFile: "/state/default.json", emit: recorded.emit, mounts },
  });
  const dropped: string[] = [];
  /** As the listener hands a request on, by default one that is allowed. */
  function call(line: string, { address = "127.0.0.1", body, headers = {} }: CallOptions = {}) {
    const [method = "", path = ""] = line.split(" ");
    const all = { host: `127.0.0.1:${PORT}`, authorization: `Bearer ${TOKEN}`, ...headers };
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const request = new Request(`http://127.0.0.1:${PORT}${path}`, {
      ...{ method, headers: given },
      ...body !== undefined && { body },
    });
    return admin.request(request, new Caller({ address, drop: (reason) => void dropped.push(reason) }));
  }
  return { admin, call, stops, dropped, sinks, ...recorded };
}

async function errorOf(response: Response): Promise<string> {
  const { error, ...rest }: { error: string } = await response.json();
  assert.deepEqual(rest, {});
  return error;
}

const REFUSALS: readonly { what: string; status: number; options: CallOptions }[] = [
  { what: "a far address", status: 403, options: { address: "192.0.2.1" } },
  { what: "an unknown address", status: 403, options: { address: "" } },
  ...[
    undefined,
    "",
    "127.0.0.1",
    "127.0.0.1:9901",
    `127.0.0.2:${PORT}`,
    `evil.example:${PORT}`,
    `127.0.0.1.evil.example:${PORT}`,
    `localhost.evil.example:${PORT}`,
    `[::1]:${PORT}`,
  ].map((host) => ({ what: `Host ${host}`, status: 403, options: { headers: { host } } })),
  ...["http://evil.example", `http://127.0.0.1:${PORT}`, "null", "file://", ""].map((origin) => (
    { what: `Origin ${origin}`, status: 403, options: { headers: { origin } } }
  )),
  ...[
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Basic ${TOKEN}`,
    TOKEN,
    `Bearer ${TOKEN} ${TOKEN}`,
  ].map((authorization) => (
    { what: `Authorization ${authorization}`, status: 401, options: { headers: { authorization } } }
  )),
];

for (const { what, status, options } of REFUSALS) {
  Deno.test(`createAdmin refuses ${what} on every route with ${status}`, async () => {
    const { call, told, stops } = rig();
    const routes = ["GET /status", "GET /events", "POST /reload", "POST /stop", "GET /nothing"];
    const texts = new Set<string>();
    for (const route of routes) {
      const response = await call(route, options);
      assert.equal(response.status, status, route);
      assert.equal(response.headers.get("access-control-allow-origin"), null);
      texts.add(await errorOf(response));
    }
    assert.equal(texts.size, 1);
    assert.deepEqual(stops, []);
    const calls = told("admin.called");
    assert.deepEqual(calls.map(({ method, path }) => `${method} ${path}`), routes);
    assert(calls.every((call) => call.status === status && call.reason));
  });
}

Deno.test("createAdmin says the same to a wrong token and to none, and where the token is in the log alone", async () => {
  const { call, told } = rig();
  const answers = await Promise.all(
    [undefined, "Bearer wrong"].map(async (authorization) => {
      const response = await call("GET /status", { headers: { authorization } });
      return [response.status, [...response.headers], await response.text()];
    }),
  );
  assert.deepEqual(answers[0], answers[1]);
  assert(!JSON.stringify(answers).includes("/state"));
  assert.match(told("admin.called")[0]!.reason!, /\/state\/default\.json$/);
});

Deno.test("createAdmin takes both names of the address, in any case", async () => {
  const { call } = rig();
  for (const host of [`localhost:${PORT}`, `LocalHost:${PORT}`, `127.0.0.1:${PORT}`]) {
    const response = await call("GET /status", { headers: { host } });
    assert.deepEqual([response.status, await response.json()], [200, STATUS]);
  }
});

Deno.test("createAdmin answers masses of wrong tokens with 429 without a word in the log, and the right one still", async () => {
  const { call, told } = rig();
  const wrong = { headers: { authorization: "Bearer wrong" } };
  const statuses: number[] = [];
  for (let count = 0; count < 30; count++) statuses.push((await call("GET /status", wrong)).status);
  assert.deepEqual(statuses, [...Array(20).fill(401), ...Array(10).fill(429)]);
  assert.equal(told("admin.called").length, 20);
  assert((await call("GET /status", wrong)).headers.has("retry-after"));
  assert.equal((await call("GET /status")).status, 200);
});

Deno.test("createAdmin stops the gateway, and says so in the log", async () => {
  const { call, stops, told } = rig();
  const response = await call("POST /stop");
  assert.deepEqual([response.status, await response.json()], [202, { stopping: true }]);
  assert.equal(stops.length, 1);
  const [event] = told("admin.called");
  assert.deepEqual([event?.status, event?.changed], [202, "the gateway stops"]);
});

Deno.test("createAdmin has a configuration taken anew, or says why that cannot be", async () => {
  const without = await rig().call("POST /reload");
  assert.equal(without.status, 501);
  assert.match(await errorOf(without), /keystone restart/);
  const applied = { kind: "applied", added: ["a"] } as const;
  const { call, told } = rig({ reload: () => Promise.resolve(applied) });
  assert.deepEqual(await (await call("POST /reload")).json(), applied);
  const wrong = { kind: "refused", problems: ["x.toml:1: port: expected a number"] } as const;
  const answer = await rig({ reload: () => Promise.resolve(wrong) }).call("POST /reload");
  assert.deepEqual([answer.status, await answer.json()], [422, wrong]);
  assert.equal(told("admin.called")[0]?.changed, 'configuration: {"kind":"applied","added":["a"]}');
  const broken = rig({ reload: () => Promise.reject(new ConfigError("x.toml:1: port: expected a number")) });
  const refused = await broken.call("POST /reload");
  assert.equal(refused.status, 400);
  assert.equal(await errorOf(refused), "x.toml:1: port: expected a number");
});

Deno.test("createAdmin tells no details of a fault, and the log does", async () => {
  const { call, told } = rig({
    status() {
      throw new Error("secret detail");
    },
  });
  const response = await call("GET /status");
  assert.equal(response.status, 500);
  assert.equal(await errorOf(response), "Internal error");
  assert.match(String(told("fault")[0]?.error), /secret detail/);
});

Deno.test("createAdmin answers 404 for what there is not, also with the wrong method", async () => {
  const { call } = rig();
  for (const line of ["GET /nothing", "GET /stop", "POST /status", "DELETE /stop"]) {
    const response = await call(line);
    assert.equal(response.status, 404, line);
    assert.equal(await errorOf(response), `There is no ${line}`);
  }
});

Deno.test("createAdmin serves what is mounted behind the same guard, and bounds bodies", async () => {
  const more = new Hono<AdminEnv>().post("/echo", async (context) => {
    context.set("changed", "echoed");
    return context.text(await context.req.text());
  });
  const { call, told } = rig({}, { "/runtime": more });
  assert.equal(await (await call("POST /runtime/echo", { body: "x" })).text(), "x");
  assert.equal(told("admin.called")[0]?.changed, "echoed");
  const strange = await call("POST /runtime/echo", { body: "x", headers: { authorization: undefined } });
  assert.equal(strange.status, 401);
  const large = await call("POST /runtime/echo", { body: "x".repeat(256 * 1024 + 1) });
  assert.equal(large.status, 413);
  assert.match(await errorOf(large), /^The body is larger than 262144 bytes$/);
});

Deno.test("createAdmin tells events as they come: with id and type, without secrets and without session ids", async () => {
  const { call, sinks, admin } = rig();
  const response = await call("GET /events");
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(sinks.size, 1);
  const session = "01234567-89ab-cdef-0123-456789abcdef";
  for (const sink of sinks) {
    sink({ type: "child.stderr", session, pid: 1, line: "token=abcdefgh\nx" });
    sink({ type: "warning", text: "two" });
  }
  admin.close();
  const [greeting, first = "", second = "", ...more] = (await response.text()).split("\n\n");
  assert.deepEqual([greeting, more], [":", [""]]);
  assert.match(first, /^id: 1\nevent: child\.stderr\ndata: \{.*"session":"01234567".*\}$/);
  assert(!first.includes("abcdefgh"));
  assert.match(second, /^id: 2\nevent: warning\ndata: \{"time":".*","type":"warning","text":"two"\}$/);
  assert.equal(sinks.size, 0);
});

Deno.test("createAdmin opens no stream of events for HEAD, which nobody would read", async () => {
  const { call, sinks } = rig();
  assert.equal((await call("HEAD /events")).status, 405);
  assert.equal(sinks.size, 0);
  assert.equal((await call("HEAD /status")).status, 200);
});

Deno.test("createAdmin drops one who does not read its events, and the others go on", async () => {
  const { call, sinks, dropped, admin, told } = rig();
  const [slow, quick] = [await call("GET /events"), await call("GET /events")];
  const reader = quick.body!.getReader();
  let read = 0;
  for (let count = 0; count < 4_000; count++) {
    for (const sink of [...sinks]) sink({ type: "warning", text: "x".repeat(1_000) });
    read += (await reader.read()).value?.length ?? 0;
  }
  assert.equal(sinks.size, 1);
  assert.equal(dropped.length, 1);
  assert.equal(told("client.dropped").length, 1);
  assert(read > 3_000_000);
  await assert.rejects(slow.text());
  admin.close();
  await reader.cancel();
});
