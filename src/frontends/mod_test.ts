import assert from "node:assert/strict";
import type { Peer } from "../core/backend.ts";
import { unbounded } from "../../tests/support/unbounded.ts";
import type { Caller } from "../core/caller.ts";
import type { Channel } from "../core/channel.ts";
import { toResponse } from "../core/errors.ts";
import { Stopping } from "../core/stopping.ts";
import { inTime } from "../../tests/contract/deadline.ts";
import { result } from "../../tests/support/messages.ts";
import { nobody, somebody } from "../../tests/support/nobody.ts";
import { upgradeRequest } from "../../tests/support/raw_http.ts";
import { ACCEPT, initialize, request } from "../../tests/support/rpc.ts";
import { looseBodies, looseUnread, MAX_BODY_BYTES } from "../../tests/support/waiting_limits.ts";
import type { Handler } from "./frontend.ts";
import { type FrontendOptions, FRONTENDS, type Route } from "./mod.ts";

/** What hangs has found the session of somebody else. */
const DEADLINE_MS = 20_000;
const TYPES = { Accept: ACCEPT, "Content-Type": "application/json" };

/** Every wire, whose servers the test plays. */
function rig(options: Partial<FrontendOptions> = {}) {
  const peers: Peer[] = [];
  const channels: Channel[] = [];
  const all: FrontendOptions = {
    accept: (peer) => {
      peers.push(peer);
      return {
        peer,
        backlog: unbounded(),
        run(channel) {
          channels.push(channel);
          return Promise.resolve();
        },
        withdraw: () => {},
      };
    },
    stateful: true,
    replyMode: "json",
    ...{ keepAliveMs: 60_000, sessionTimeoutMs: 60_000, maxBodyBytes: MAX_BODY_BYTES },
    ...{ maxBufferedMessages: 100, maxBufferedBytes: 1 << 20 },
    ...{ bodies: looseBodies(), unread: looseUnread(), stopping: new Stopping(), emit: () => {} },
    ...{ publicBase: () => "", ...options },
  };
  const paths = { streamableHttpPath: "/mcp", ssePath: "/sse", messagePath: "/message", wsPath: "/ws" };
  const routes = FRONTENDS.flatMap((frontend): readonly Route[] => frontend.serve(all)(paths));
  const http = (path: string): Handler => {
    for (const route of routes) if (route.path === path && "http" in route) return route.http;
    throw new Error(`Nothing answers on ${path}`);
  };
  const upgrade = async (caller: Caller) => {
    const { headers } = upgradeRequest("/ws");
    const asking = new Request("http://127.0.0.1/ws", { headers: { ...headers } });
    for (const route of routes) {
      if (route.path === "/ws" && "upgrade" in route) return await route.upgrade(asking, caller);
    }
    throw new Error("Nobody takes an upgrade");
  };
  const ask = async (method: string, path: string, caller: Caller, init: RequestInit = {}) => {
    const url = new URL(path, "http://127.0.0.1");
    try {
      const answer = http(url.pathname)(new Request(url, { method, ...init }), caller);
      return await inTime(Promise.resolve(answer), "the answer", DEADLINE_MS);
    } catch (error) {
      return toResponse(error);
    }
  };
  const post = (path: string, caller: Caller, message: unknown, headers: Record<string, string> = {}) =>
    ask("POST", path, caller, { headers: { ...TYPES, ...headers }, body: JSON.stringify(message) });
  return { peers, channels, ask, post, upgrade };
}

type Rig = ReturnType<typeof rig>;

/** A session of Streamable HTTP past its handshake; gives its id. */
async function beginStreamable({ channels, post }: Rig, caller: Caller): Promise<string> {
  const answered = post("/mcp", caller, initialize(0));
  while (channels.length === 0) await new Promise((resolve) => setTimeout(resolve));
  await channels.at(-1)?.send({ message: result(0, { protocolVersion: "2025-11-25" }), relatesTo: 0 });
  const response = await answered;
  await response.text();
  return response.headers.get("mcp-session-id") ?? "";
}

/** All that a caller could tell one refusal from another by. */
async function shown(response: Response) {
  const { status, statusText } = response;
  return {
    status,
    statusText,
    headers: [...response.headers],
    body: await inTime(response.text(), "its body", DEADLINE_MS),
  };
}

const UNKNOWN = "00000000-0000-4000-8000-000000000000";

Deno.test("FRONTENDS answer who names the session of somebody else exactly as who names one that does not exist", async (t) => {
  const wires = rig();
  const { ask, post, peers, channels } = wires;
  const mcp = await beginStreamable(wires, somebody("ann"));
  const stream = await ask("GET", "/sse", somebody("ann"));
  const sse = peers.at(-1)?.session ?? "";
  const mine = { "Mcp-Session-Id": mcp };
  const unknown = { "Mcp-Session-Id": UNKNOWN };
  const ways: Record<string, (caller: Caller, known: boolean) => Promise<Response>> = {
    "a POST": (caller, known) => post("/mcp", caller, request(1, "ping"), known ? mine : unknown),
    "a GET": (caller, known) =>
      ask("GET", "/mcp", caller, { headers: { Accept: ACCEPT, ...known ? mine : unknown } }),
    "a GET that resumes": (caller, known) =>
      ask("GET", "/mcp", caller, {
        headers: { Accept: ACCEPT, "Last-Event-ID": "12345678.0-0", ...known ? mine : unknown },
      }),
    "a DELETE": (caller, known) => ask("DELETE", "/mcp", caller, { headers: known ? mine : unknown }),
    "a POST of SSE": (caller, known) =>
      post(`/message?sessionId=${known ? sse : UNKNOWN}`, caller, request(1, "ping")),
  };
  for (const [way, go] of Object.entries(ways)) {
    for (const foreign of [() => somebody("bob"), nobody]) {
      await t.step(way, async () => {
        const [theirs, nothing] = [
          await shown(await go(foreign(), true)),
          await shown(await go(foreign(), false)),
        ];
        assert.equal(theirs.status, 404);
        assert.deepEqual(theirs, nothing);
      });
    }
  }
  // Nobody has harmed them, and their own caller finds them, with a principal that is made anew for each request.
  const accepted = await post(`/message?sessionId=${sse}`, somebody("ann"), request(1, "ping"));
  assert.equal(accepted.status, 202);
  assert.equal((await ask("DELETE", "/mcp", somebody("ann"), { headers: mine })).status, 200);
  await stream.body?.cancel();
  for (const channel of channels) await channel[Symbol.asyncDispose]();
});

Deno.test("FRONTENDS find the session of nobody in particular for who is nobody, and for no principal", async () => {
  const wires = rig();
  const mine = { headers: { "Mcp-Session-Id": await beginStreamable(wires, nobody()) } };
  assert.equal((await wires.ask("DELETE", "/mcp", somebody("ann"), mine)).status, 404);
  assert.equal((await wires.ask("DELETE", "/mcp", nobody(), mine)).status, 200);
  for (const channel of wires.channels) await channel[Symbol.asyncDispose]();
});

Deno.test("FRONTENDS tell the gateway whose client comes, on every wire", async () => {
  const stateful = rig();
  await beginStreamable(stateful, somebody("ann"));
  const stream = await stateful.ask("GET", "/sse", somebody("bob"));
  (await stateful.upgrade(somebody("cleo"))).withdraw();
  const stateless = rig({ stateful: false });
  void stateless.post("/mcp", somebody("dan"), request(1, "ping"));
  while (stateless.channels.length === 0) await new Promise((resolve) => setTimeout(resolve));
  const peers = [...stateful.peers, ...stateless.peers];
  assert.deepEqual(peers.map(({ wire, scope, principal }) => [wire, scope, principal?.name]), [
    ["streamableHttp", "session", "ann"],
    ["sse", "session", "bob"],
    ["websocket", "session", "cleo"],
    ["streamableHttp", "request", "dan"],
  ]);
  await stream.body?.cancel();
  for (const channel of [...stateful.channels, ...stateless.channels]) await channel[Symbol.asyncDispose]();
});

Deno.test("FRONTENDS ask for the server of this principal whether too much waits for it", async () => {
  const asked: unknown[] = [];
  const { post } = rig({ stateful: false, refuseFull: ({ principal }) => void asked.push(principal?.name) });
  await post("/mcp", somebody("ann"), "no message");
  await post("/mcp", nobody(), "no message");
  assert.deepEqual(asked, ["ann", undefined]);
});
