import assert from "node:assert/strict";
import type { Peer } from "./core/backend.ts";
import { Backlog } from "./core/backlog.ts";
import { type Channel, memoryChannels } from "./core/channel.ts";
import { BusyError, RequestError, StoppingError } from "./core/errors.ts";
import type { MessagePolicy } from "./core/policy.ts";
import { FarEnd, settled } from "../tests/support/far_end.ts";
import { gatewayRig, MemoryBackend } from "../tests/support/gateway_rig.ts";
import { failure, notification, request, result, tracked } from "../tests/support/messages.ts";
import { nobody } from "../tests/support/nobody.ts";
import { unbounded } from "../tests/support/unbounded.ts";

Deno.test("Gateway gives each session a server of its own, and stateless requests the shared one", async () => {
  const { visit, own, shared } = gatewayRig();
  for (const backend of [own, own, shared]) {
    const client = visit(backend === own ? "session" : "request");
    client.say(request(1));
    await settled();
    assert.deepEqual(await backend.last().hear(), request(1));
    backend.last().say(result(1));
    assert.deepEqual(await client.hear(), result(1));
  }
  assert.deepEqual([own.servers.length, shared.servers.length], [2, 1]);
  assert.deepEqual(own.launches.map(({ session }) => session), ["visitor 1", "visitor 2"]);
});

Deno.test("Gateway stops the server of a session when its client leaves", async () => {
  const { visit, own } = gatewayRig();
  const client = visit();
  client.say(notification());
  await settled();
  await client.leave();
  await client.over;
  const { messages, error } = await own.last().rest();
  assert.deepEqual(messages, [notification()]);
  assert.equal(error, undefined);
});

Deno.test("Gateway refuses a session over the limit until one has ended", async () => {
  const { visit, knock } = gatewayRig({ maxSessions: 2, queueTimeoutMs: 0 });
  const [first] = [visit(), visit()];
  await assert.rejects(knock(), (error) => {
    assert(error instanceof BusyError);
    assert.equal(error.status, 503);
    assert.equal(error.message, "Too many sessions: the limit is 2");
    return true;
  });
  visit("request");
  await first.leave();
  await first.over;
  visit();
  await assert.rejects(knock(), BusyError);
});

Deno.test("Gateway lets a session wait for a place, and gives it the first that gets free", async () => {
  const { visit, knock } = gatewayRig({ maxSessions: 1, queueTimeoutMs: 600_000 });
  const first = visit();
  const second = knock();
  await settled();
  await first.leave();
  (await second).say(notification());
});

Deno.test("Gateway lets a principal have its share of sessions, and gives back a place that came to nothing", async () => {
  const { knock, gateway } = gatewayRig({ maxSessions: 3, maxSessionsPerPrincipal: 2 });
  const [one, other] = ["one", "other"].map((name) => ({ principal: { name: `apiKey/${name}` } }));
  const first = await knock(one);
  const peer = { session: "s", wire: "sse", scope: "session", ...one } as const;
  (await gateway.accept(peer)).withdraw();
  await knock(one);
  await assert.rejects(knock(one), { status: 503, message: /^Too many sessions of one caller/ });
  await knock(other);
  // Its share has room, and the gateway has none: the share is as it was.
  for (let count = 0; count < 3; count++) {
    await assert.rejects(knock(other), { message: /^Too many sessions: / });
  }
  await first.leave();
  await first.over;
  await knock(other);
});

Deno.test("Gateway ends the idle session of a principal to make room for another one of it, and nobody else's", async () => {
  const { knock } = gatewayRig({ maxSessionsPerPrincipal: 1, evictAfterMs: 1_000, queueTimeoutMs: 600_000 });
  const [one, other] = ["one", "other"].map((name) => ({ principal: { name: `apiKey/${name}` } }));
  const foreign = await knock({ ...other, idleMs: () => 9_000 });
  const idle = await knock({ ...one, idleMs: () => 5_000 });
  await knock({ ...one, idleMs: () => 0 });
  await idle.over;
  foreign.say(notification());
});

Deno.test("Gateway ends the session that has been idle for longest to make room, and none that is in use", async () => {
  const { knock, own } = gatewayRig({ maxSessions: 4, evictAfterMs: 1000, queueTimeoutMs: 600_000 });
  const idle = (ms: number | undefined) => knock({ idleMs: () => ms });
  const [busy, short, long, connected] = [
    await idle(5000),
    await idle(2000),
    await idle(3000),
    await idle(undefined),
  ];
  busy.say(request(1));
  await settled();
  await own.last().hear();

  await idle(undefined);
  await long.over;
  await idle(undefined);
  await short.over;
  const waiting = idle(undefined);
  await settled();
  connected.say(notification());
  own.last();
  await connected.leave();
  await waiting;
  own.servers[0]?.say(result(1));
  assert.deepEqual(await busy.hear(), result(1));
});

Deno.test("Gateway takes back the place of a client that was let in and did not come", async () => {
  const { gateway, visit } = gatewayRig({ maxSessions: 1 });
  const admission = await gateway.accept({ session: "s", wire: "websocket", scope: "session" });
  admission.withdraw();
  visit();
});

Deno.test("Gateway refuses whoever waits when it begins to stop", async () => {
  const { visit, knock, gateway } = gatewayRig({ maxSessions: 1, queueTimeoutMs: 600_000 });
  visit();
  const waiting = knock();
  await settled();
  await gateway.stop({ reason: "SIGTERM", timeoutMs: 0 });
  await assert.rejects(waiting, StoppingError);
});

Deno.test("Gateway refuses a stateless request over the limit of open requests until one has ended", async () => {
  const { visit } = gatewayRig({ maxOpenRequests: 2 });
  const [first] = [visit("request"), visit("request")];
  assert.throws(() => visit("request"), /Too many open requests: the limit is 2/);
  visit("session");
  await first.leave();
  await first.over;
  visit("request");
});

Deno.test("Gateway limits the open requests of each session by itself", async () => {
  const { visit, own } = gatewayRig({ maxOpenRequests: 1 });
  const [one, other] = [visit(), visit()];
  one.say(request("a"), request("b"));
  assert.deepEqual(await one.hear(), failure("b", "Too many open requests: the limit is 1"));
  other.say(request("a"));
  await settled();
  assert.deepEqual(await own.last().hear(), request("a"));
});

Deno.test("Gateway counts no session that could not be let in", async () => {
  const { visit, knock } = gatewayRig({ maxSessions: 1, queueTimeoutMs: 0 });
  const first = visit();
  for (let count = 0; count < 5; count++) await assert.rejects(knock(), /limit is 1/);
  await first.leave();
  await first.over;
  visit();
});

Deno.test("Gateway runs its policies in order on every session", async () => {
  const seen: string[] = [];
  const policy = (name: string): MessagePolicy => ({ peer, direction }, next) => {
    seen.push(`${name} ${direction} ${peer.session}`);
    if (name === "b" && direction === "up") throw new RequestError("Not you");
    return next();
  };
  const { visit } = gatewayRig({ policies: [policy("a"), policy("b")] });
  const client = visit();
  client.say(request(1));
  assert.deepEqual(await client.hear(), failure(1, "Not you"));
  assert.deepEqual(seen, ["a up visitor 1", "b up visitor 1"]);
});

Deno.test("Gateway answers a request that takes longer than it may", async () => {
  const { gateway, visit } = gatewayRig({ requestTimeoutMs: 10, maxRequestMs: 600_000 });
  await using _ = gateway;
  for (const scope of ["session", "request"] as const) {
    const client = visit(scope);
    client.say(request(1));
    const message = await client.hear();
    assert("error" in message && /within 10ms/.test(message.error.message));
    await client.leave();
    await client.over;
  }
});

Deno.test("LiveSessions knows since when nobody has been connected", async () => {
  const { sessions, visit } = gatewayRig();
  const atFirst = sessions.idleSince;
  assert(atFirst !== undefined && atFirst <= performance.now());
  const [one, other] = [visit("session"), visit("request")];
  assert.equal(sessions.idleSince, undefined);
  await one.leave();
  await one.over;
  assert.equal(sessions.idleSince, undefined);
  const before = performance.now();
  await other.leave();
  await other.over;
  assert(Number(sessions.idleSince) >= before);
});

Deno.test("Gateway tells a client that asked for progress that its call still runs", async () => {
  const { gateway, visit, own } = gatewayRig({ progressHeartbeatMs: 10 });
  await using _ = gateway;
  const client = visit();
  client.say(tracked(1, "t"));
  const heard = await client.hear();
  assert("params" in heard && heard.method === "notifications/progress");
  own.last().say(result(1));
  let last = await client.hear();
  while ("method" in last) last = await client.hear();
  assert.deepEqual(last, result(1));
});

Deno.test("Gateway lets no stateless request in while too much waits for its server", async () => {
  const backlog = new Backlog(100);
  const { gateway, visit, shared } = gatewayRig({ backlog });
  visit("request").say(request(1));
  await settled();
  assert.deepEqual(shared.launches.map((launch) => launch.backlog), [backlog]);
  backlog.add(100);
  for (const enter of [() => visit("request"), () => gateway.refuseFull(nobody())]) {
    assert.throws(enter, BusyError);
  }
  visit("session");
  backlog.remove(100);
  gateway.refuseFull(nobody());
  visit("request");
});

Deno.test("Gateway lets a stateless caller in by what waits for the server of what it brings", () => {
  const full = new Backlog(1);
  full.add(1);
  const own = { args: [], env: { TOKEN: "t" }, headers: {} };
  const backend = new MemoryBackend("any");
  const serverFor = ({ launch }: Peer) => ({ backend, backlog: launch === own ? full : unbounded() });
  const { gateway } = gatewayRig({ serverFor });
  gateway.refuseFull(nobody());
  const caller = nobody();
  caller.bring(own);
  assert.throws(() => gateway.refuseFull(caller), BusyError);
});

Deno.test("Gateway counts what waits for a server that is being opened", async () => {
  const backlog = new Backlog(Infinity);
  const opening = Promise.withResolvers<Channel>();
  const [server, serverEnd] = memoryChannels();
  const backend = {
    name: "slow",
    open: () => opening.promise,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const { visit } = gatewayRig({ serverFor: () => ({ backend, backlog }) });
  for (const id of [1, 2]) visit("request").say(request(id));
  await settled();
  assert.equal(backlog.size, 2 * JSON.stringify(request(1)).length);
  opening.resolve(serverEnd);
  assert.deepEqual(await new FarEnd(server).hear(), request(1));
  assert.equal(backlog.size, 0);
});

Deno.test("Gateway begins nothing new while it is told so, and goes on with what is open", async () => {
  let refusal: BusyError | undefined;
  const { visit, knock, own } = gatewayRig({ refusal: () => refusal });
  const [client, silent] = [visit(), visit()];
  client.say(request(1));
  await settled();
  refusal = new BusyError("Not now");
  await assert.rejects(knock(), { message: "Not now", status: 503 });
  client.say(request(2));
  assert.deepEqual(await client.hear(), failure(2, "Not now", -32000));
  // A session that says its first word now gets no server.
  silent.say(request(1));
  assert.deepEqual(await silent.hear(), failure(1, "Not now", -32000));
  own.last().say(result(1));
  assert.deepEqual(await client.hear(), result(1));
  refusal = undefined;
  client.say(request(3));
  assert.deepEqual([await own.last().hear(), await own.last().hear()], [request(1), request(3)]);
});
