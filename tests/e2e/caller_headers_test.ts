/** Callers who bring their own credentials: each sees its own, and nobody else's. */
import assert from "node:assert/strict";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { Events, openSocket } from "../support/conversation.ts";
import { answer, type AnyMessage, callTool, initialize, post } from "../support/rpc.ts";
import { HttpRemote } from "../support/scripted_remote.ts";
import { inTime } from "../contract/deadline.ts";

const MAPPED = ["--headerToEnv", "X-User-Key=USER_KEY", "--headerToEnv", "X-Mode=MODE"];
const NAME = "USER_KEY";
const ANN = "anns-s3cret";
const BOB = "bobs-s3cret";

type Headers = Record<string, string>;

const keyOf = (key: string | undefined): Headers => key === undefined ? {} : { "X-User-Key": key };

/** What a tool tells, without a session. */
async function call({ mcp }: Keystone, headers: Headers, name = "env"): Promise<AnyMessage> {
  const { result } = await post(mcp, callTool(1, name, { name: NAME }), { headers }).then(answer);
  return result.structuredContent;
}

/** A session, and what a tool of it tells. */
type Open = (gateway: Keystone, headers: Headers) => Promise<Asking>;

interface Asking extends AsyncDisposable {
  ask(headers?: Headers): Promise<AnyMessage>;
}

const OPEN: Readonly<Record<string, Open>> = {
  "Streamable HTTP": async ({ mcp }, headers) => {
    const begun = await post(mcp, initialize(), { headers });
    await begun.body?.cancel();
    const session = begun.headers.get("mcp-session-id") ?? "";
    return {
      async ask(more = {}) {
        const response = await post(mcp, callTool(1, "env", { name: NAME }), { session, headers: more });
        return (await answer(response)).result.structuredContent;
      },
      async [Symbol.asyncDispose]() {
        const named = { "Mcp-Session-Id": session };
        await (await fetch(mcp, { method: "DELETE", headers: named })).body?.cancel();
      },
    };
  },
  "SSE": async ({ sse }, headers) => {
    const events = new Events(await fetch(sse, { headers: { Accept: "text/event-stream", ...headers } }));
    const endpoint = new URL((await events.next())?.data ?? "", sse).href;
    const say = async (message: unknown, more: Headers = {}) => {
      await (await post(endpoint, message, { headers: more })).body?.cancel();
      return JSON.parse((await events.next())?.data ?? "");
    };
    await say(initialize());
    return {
      ask: async (more) => (await say(callTool(1, "env", { name: NAME }), more)).result.structuredContent,
      [Symbol.asyncDispose]: () => events.cancel(),
    };
  },
  "WebSocket": async (gateway, headers) => {
    const socket = await openSocket(gateway, { headers });
    await socket.send(initialize());
    await socket.until(0);
    return {
      async ask() {
        await socket.send(callTool(1, "env", { name: NAME }));
        return (await socket.until(1)).at(-1).result.structuredContent;
      },
      [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
    };
  },
};

for (const [wire, open] of Object.entries(OPEN)) {
  Deno.test(`--headerToEnv over ${wire}: each session's child has the value that it was opened with`, async () => {
    await using gateway = await startKeystone([...MAPPED, "--stateful"], { server: SCRIPTED });
    await using ann = await open(gateway, keyOf(ANN));
    await using bob = await open(gateway, keyOf(BOB));
    await using nobody = await open(gateway, {});
    const values: unknown[] = [];
    for (const ask of [ann.ask, bob.ask, nobody.ask, () => ann.ask(keyOf(BOB))]) {
      values.push((await inTime(ask(), "The answer")).value);
    }
    assert.deepEqual(values, [ANN, BOB, null, ANN]);
    assert.doesNotMatch(gateway.stderr(), /s3cret/);
  });
}

Deno.test("--headerToEnv without sessions: callers share a child with those alone who bring the same", async () => {
  await using gateway = await startKeystone(MAPPED, { server: SCRIPTED });
  const values: unknown[] = [];
  const pids: unknown[] = [];
  for (const key of [ANN, BOB, ANN, undefined, undefined]) {
    values.push((await call(gateway, keyOf(key))).value);
    pids.push((await call(gateway, keyOf(key), "echo")).pid);
  }
  assert.deepEqual(values, [ANN, BOB, ANN, null, null]);
  const [ann, bob, annAgain, other, another] = pids;
  assert.deepEqual([ann, other], [annAgain, another]);
  assert.equal(new Set([ann, bob, other]).size, 3);
  assert.doesNotMatch(gateway.stderr(), /s3cret/);
});

/** One that ends at once where a caller wants it to. */
const FRAGILE = ["/bin/sh", "-c", 'test "$MODE" = crash && exit 3; exec "$0" "$@"', ...SCRIPTED];

for (const flags of [[], ["--stateful"], ["--children", "request"], ["--stateful", "--restart", "never"]]) {
  Deno.test({
    name: `--headerToEnv ${flags.join(" ")}: a caller whose value ends each child brings nobody else down`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const limits = ["--crashLimit", "2", "--restartMaxDelay", "1ms"];
      await using gateway = await startKeystone([...MAPPED, ...limits, ...flags], { server: FRAGILE });
      for (let times = 0; times < 4; times++) {
        const crashed = await post(gateway.mcp, initialize(), { headers: { "X-Mode": "crash" } }).then(
          answer,
        );
        assert.match(crashed.error.message, /exited with code 3/);
      }
      const health = await (await fetch(new URL("/health", gateway.mcp))).json();
      assert.equal(health.status, "ok");
      const { result } = await post(gateway.mcp, initialize()).then(answer);
      assert.equal(result.serverInfo.name, "scripted");
    },
  });
}

Deno.test("--headerToEnv refuses a value that no variable may have, and starts nothing for it", async () => {
  await using gateway = await startKeystone(MAPPED, { server: SCRIPTED });
  for (const value of ["s3cr\u00e9t", "s3cret".repeat(1_400)]) {
    const response = await post(gateway.mcp, callTool(1, "echo"), { headers: { "X-Mode": value } });
    const { error } = await response.json();
    assert.equal(response.status, 400);
    assert.match(error.message, /^Bad Request: header x-mode /);
  }
  assert.deepEqual(await gateway.children(), []);
  assert.doesNotMatch(gateway.stderr(), /s3cr/);
});

Deno.test("--headerToHeader tells a remote what each caller brings, and Authorization only where it is named", async () => {
  await using remote = new HttpRemote();
  const flags = ["--streamableHttp", remote.url, "--outputTransport", "streamableHttp"];
  const brought = { Authorization: "Bearer anns-s3cret", "X-Tenant": "blue" };
  const told = async (more: readonly string[]) => {
    await using gateway = await startKeystone([...flags, "--headerToHeader", "X-Tenant=X-Team", ...more]);
    await call(gateway, brought, "echo");
    assert.doesNotMatch(gateway.stderr(), /s3cret/);
    const { headers } = remote.posted("echo").at(-1) ?? {};
    return ["x-team", "x-tenant", "authorization"].map((name) => headers?.get(name));
  };
  assert.deepEqual(await told([]), ["blue", null, null]);
  const named = ["--headerToHeader", "Authorization=Authorization"];
  assert.deepEqual(await told(named), ["blue", null, "Bearer anns-s3cret"]);
});

Deno.test("--headerToHeader: calls of two callers at a time reach a remote in conversations of their own", async () => {
  await using remote = new HttpRemote();
  const flags = ["--streamableHttp", remote.url, "--outputTransport", "streamableHttp"];
  await using gateway = await startKeystone([...flags, "--headerToHeader", "X-Tenant=X-Tenant"]);
  const tenants = ["blue", "red", "blue", "red"];
  await Promise.all(tenants.map((tenant) => call(gateway, { "X-Tenant": tenant }, "echo")));
  const told = remote.posted("echo").map(({ headers }) => headers.get("x-tenant"));
  assert.deepEqual(told.toSorted(), tenants.toSorted());
  assert.equal(remote.posted("initialize").length, 2);
});
