/** What is set of a server while it is served, seen in what real children and real remotes are told. */
import assert from "node:assert/strict";

import { type Client, connect, type Connected, WIRES } from "../support/clients.ts";
import { ConflictError } from "../../src/core/errors.ts";
import { parseOverride } from "../../src/overrides/parse_override.ts";
import { answer, callTool, post } from "../support/rpc.ts";
import { inTime } from "../contract/deadline.ts";
import { eventually, SCRIPTED } from "../support/keystone.ts";
import { HttpRemote, SESSION, SseRemote, WebSocketRemote } from "../support/scripted_remote.ts";
import { type Served, served, servedTest } from "../support/served.ts";

const STATEFUL = { stateful: true };
const SECRET = "s3cret-of-the-test";

type Session = Connected<Client>;

interface Told {
  readonly value?: string | null;
  readonly pid?: number;
}

/** What a tool of the scripted server says. */
async function told({ client }: Session, name: string, args: Record<string, unknown> = {}): Promise<Told> {
  const { structuredContent } = await client.callTool({ name, arguments: args });
  return structuredContent as Told;
}

async function env(session: Session, name: string): Promise<string | null | undefined> {
  return (await told(session, "env", { name })).value;
}

function idsOf({ runtime }: Served): string[] {
  return runtime.sessions().map(({ id }) => id);
}

for (const wire of WIRES) {
  servedTest(
    `a session's own environment, over ${wire}: a tool answers with it, and the session is the same`,
    async () => {
      await using gateway = served(STATEFUL, { argv: SCRIPTED });
      await using one = await connect(gateway, wire);
      await using other = await connect(gateway, wire);
      const { pid } = await told(one, "echo");
      const [id = ""] = idsOf(gateway);
      const { session } = one;
      assert.equal(await env(one, "API_KEY"), null);
      const parsed = parseOverride({ env: { API_KEY: SECRET, HOME: null }, args: ["--linger"] }, "command");
      assert("override" in parsed);
      const applied = gateway.runtime.changeSession(id, parsed.override);
      assert.deepEqual([applied.restart, applied.live], [[id], []]);
      assert.equal(await inTime(env(one, "API_KEY"), "The answer"), SECRET);
      assert.equal(await env(one, "HOME"), null, "it was inherited");
      assert.notEqual((await told(one, "echo")).pid, pid);
      assert.deepEqual([one.session, idsOf(gateway).length, idsOf(gateway)[0]], [session, 2, id]);
      assert.equal(await env(other, "API_KEY"), null);
      assert.notEqual(await env(other, "HOME"), null);
      const [report] = gateway.runtime.sessions();
      assert.deepEqual([report?.restarts, report?.client.name], [1, "keystone-test"]);
      assert.equal(report?.pid, (await told(one, "echo")).pid);
      assert.deepEqual(report?.override, { args: ["--linger"], env: { API_KEY: "[REDACTED]", HOME: null } });
      const health = await (await fetch(new URL("/health", gateway.mcp))).text();
      assert.doesNotMatch(
        gateway.log() + health + JSON.stringify(gateway.runtime.sessions()),
        new RegExp(SECRET),
      );
      gateway.runtime.clearSession(id);
      assert.equal(await inTime(env(one, "API_KEY"), "The answer"), null);
    },
  );
}

servedTest(
  "defaults are for sessions that come later alone where no server is to be opened again",
  async () => {
    await using gateway = served({ ...STATEFUL, env: ["MODE=configured"] }, { argv: SCRIPTED });
    await using early = await connect(gateway, "Streamable HTTP");
    assert.equal(await env(early, "MODE"), "configured");
    gateway.runtime.changeDefaults({ env: { MODE: "default" } }, { restart: "never" });
    await using late = await connect(gateway, "Streamable HTTP");
    assert.deepEqual([await env(early, "MODE"), await env(late, "MODE")], ["configured", "default"]);
    gateway.runtime.changeDefaults({ env: { MODE: null } });
    assert.equal(await inTime(env(late, "MODE"), "The answer"), null);
    assert.equal(await inTime(env(early, "MODE"), "The answer"), null);
  },
);

servedTest("defaults: the next stateless call is answered by a child that has them", async () => {
  await using gateway = served({}, { argv: SCRIPTED });
  const call = async () => {
    const { result } = await post(gateway.mcp, callTool(1, "env", { name: "MODE" })).then(answer);
    return result.structuredContent.value;
  };
  assert.equal(await call(), null);
  assert.deepEqual(gateway.runtime.changeDefaults({ env: { MODE: "default" } }).restart, ["shared"]);
  assert.equal(await call(), "default");
});

servedTest(
  "a restart for what was set waits for open calls, and takes them along when it is to be at once",
  async () => {
    await using gateway = served(STATEFUL, { argv: SCRIPTED });
    await using session = await connect(gateway, "Streamable HTTP");
    const [id = ""] = idsOf(gateway);
    const { pid } = await told(session, "echo");
    const begun = Promise.withResolvers<unknown>();
    const open = session.client.callTool({ name: "begin" }, undefined, { onprogress: begun.resolve });
    const lost = assert.rejects(open, /opened again with other settings: the answer is lost/);
    await inTime(begun.promise, "The beginning of a call");
    gateway.runtime.changeSession(id, { env: { MODE: "set" } });
    assert.equal((await told(session, "echo")).pid, pid, "a call is open");
    gateway.runtime.changeSession(id, {}, { restart: "now" });
    await inTime(lost, "The loss");
    assert.equal(await env(session, "MODE"), "set");
  },
);

servedTest("of two who change the same version at once one is told of the conflict", async () => {
  await using gateway = served(STATEFUL, { argv: SCRIPTED });
  await using session = await connect(gateway, "Streamable HTTP");
  const [id = ""] = idsOf(gateway);
  const { etag: ifMatch } = gateway.runtime.session(id);
  const writes = ["one", "two"].map((MODE) =>
    Promise.try(() => gateway.runtime.changeSession(id, { env: { MODE } }, { ifMatch }))
  );
  const [one, two] = await Promise.allSettled(writes);
  assert.equal(one?.status, "fulfilled");
  assert(two?.status === "rejected" && two.reason instanceof ConflictError);
  assert.equal(await inTime(env(session, "MODE"), "The answer"), "one");
});

interface Far {
  readonly name: string;
  readonly open: () => HttpRemote;
  readonly options: (url: string) => Record<string, string>;
}

const REMOTES: readonly Far[] = [
  { name: "Streamable HTTP", open: () => new HttpRemote(), options: (url) => ({ streamableHttp: url }) },
  { name: "SSE", open: () => new SseRemote(), options: (url) => ({ sse: url }) },
];

/** What the last call of a session has told the remote. */
async function toldHeaders({ client }: Session, remote: HttpRemote) {
  await client.callTool({ name: "echo" });
  const { headers } = remote.posted("echo").at(-1) ?? {};
  return ["authorization", "x-tenant", "mcp-session-id"].map((header) => headers?.get(header));
}

const CONFIGURED = { header: ["Authorization: Bearer configured", "X-Tenant: configured"] };

for (const { name, open, options } of REMOTES) {
  servedTest(
    `headers at a remote over ${name} are told with the next request, in the same session`,
    async () => {
      await using remote = open();
      await using gateway = served({ ...options(remote.url), ...CONFIGURED, outputTransport: ["ws"] });
      await using session = await connect(gateway, "WebSocket");
      const [id = ""] = idsOf(gateway);
      const far = name === "SSE" ? null : SESSION;
      assert.deepEqual(await toldHeaders(session, remote), ["Bearer configured", "configured", far]);
      gateway.runtime.changeDefaults({ headers: { "x-tenant": "default" } });
      assert.deepEqual(await toldHeaders(session, remote), ["Bearer configured", "default", far]);
      const parsed = parseOverride({ bearer: SECRET, headers: { "X-Tenant": null } }, "remote");
      assert("override" in parsed);
      const applied = gateway.runtime.changeSession(id, parsed.override);
      assert.deepEqual([applied.live, applied.restart], [[id], []]);
      assert.deepEqual(await toldHeaders(session, remote), [`Bearer ${SECRET}`, null, far]);
      assert.equal(remote.posted("initialize").length, 1);
      assert.doesNotMatch(gateway.log() + JSON.stringify(applied), new RegExp(SECRET));
    },
  );
}

servedTest("headers of one session at a remote are told by no other one", async () => {
  await using remote = new HttpRemote();
  await using gateway = served({ streamableHttp: remote.url, ...CONFIGURED, outputTransport: ["ws"] });
  await using session = await connect(gateway, "WebSocket");
  await using other = await connect(gateway, "WebSocket");
  const [id = ""] = idsOf(gateway);
  gateway.runtime.changeSession(id, { headers: { "x-tenant": "own" } });
  assert.deepEqual(await toldHeaders(session, remote), ["Bearer configured", "own", SESSION]);
  assert.deepEqual(await toldHeaders(other, remote), ["Bearer configured", "configured", SESSION]);
});

servedTest(
  "headers at a remote over WebSocket are told by another connection, in the same session",
  async () => {
    await using remote = new WebSocketRemote();
    await using gateway = served({ ws: remote.url, outputTransport: ["ws"] });
    await using session = await connect(gateway, "WebSocket");
    const [id = ""] = idsOf(gateway);
    await session.client.callTool({ name: "echo" });
    const applied = gateway.runtime.changeSession(id, { headers: { "x-key": "set" } });
    assert.deepEqual([applied.live, applied.restart], [[], [id]]);
    await inTime(session.client.callTool({ name: "echo" }), "The answer");
    assert.deepEqual(remote.requested("GET").map(({ headers }) => headers.get("x-key")), [null, "set"]);
    assert.deepEqual(idsOf(gateway), [id]);
  },
);

servedTest("a session that is ended while it is served is unknown to its client then", async () => {
  await using gateway = served(STATEFUL, { argv: SCRIPTED });
  const session = await connect(gateway, "Streamable HTTP");
  const [id = ""] = idsOf(gateway);
  gateway.runtime.endSession(id);
  await eventually(() => Promise.resolve(gateway.told("session.closed").length), (closed) => closed === 1);
  const late = await post(gateway.mcp, callTool(1, "echo"), { session: session.session });
  assert.equal(late.status, 404);
  await late.body?.cancel();
  await session.leave();
});
