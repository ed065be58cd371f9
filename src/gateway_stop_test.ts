import assert from "node:assert/strict";
import { StoppingError } from "./core/errors.ts";
import { settled } from "../tests/support/far_end.ts";
import { gatewayRig } from "../tests/support/gateway_rig.ts";
import { failure, notification, request, result } from "../tests/support/messages.ts";

const STOPPED = "The gateway is shutting down";
const patient = { reason: "SIGTERM", timeoutMs: 600_000 };
const hasty = { reason: "SIGTERM", timeoutMs: 10 };

/** A gateway with a client whose request has reached its server. */
async function withOpenRequest() {
  const rig = gatewayRig();
  const client = rig.visit();
  client.say(request(1));
  await settled();
  const server = rig.own.last();
  await server.hear();
  return { ...rig, client, server };
}

Deno.test("Gateway.stop settles at once when nothing is open, and tells why it stops", async () => {
  const { gateway, events } = gatewayRig();
  await gateway.stop(patient);
  assert.deepEqual(events, [{ type: "gateway.stopping", reason: "SIGTERM", openRequests: 0 }]);
});

Deno.test("Gateway.stop ends idle sessions at once, and frees their servers", async () => {
  const { gateway, visit, own } = gatewayRig();
  const [silent, idle] = [visit(), visit()];
  idle.say(notification());
  await settled();
  await gateway.stop(patient);
  await Promise.all([silent.over, idle.over]);
  assert.deepEqual(await own.last().rest(), { messages: [notification()], error: undefined });
  assert.equal(own.servers.length, 1);
});

Deno.test("Gateway.stop refuses every newcomer", () => {
  const { gateway, visit } = gatewayRig();
  void gateway.stop(patient);
  assert.throws(() => visit("session"), StoppingError);
  assert.throws(() => visit("request"), StoppingError);
  assert.throws(() => gateway.stopping.refuse(), StoppingError);
});

Deno.test("Gateway.stop lets open requests finish, then ends the session", async () => {
  const { gateway, client, server, told } = await withOpenRequest();
  const stopped = gateway.stop(patient);
  assert.equal(told("gateway.stopping")[0]?.openRequests, 1);
  await settled();
  server.say(notification("still/working"), result(1));
  assert.deepEqual((await client.rest()).messages, [notification("still/working"), result(1)]);
  await client.over;
  await stopped;
});

Deno.test("Gateway.stop refuses new requests of a session that is finishing, and lets its answers through", async () => {
  const { gateway, client, server } = await withOpenRequest();
  const stopped = gateway.stop(patient);
  client.say(request(2));
  assert.deepEqual(await client.hear(), failure(2, STOPPED));
  server.say(request("ask"));
  assert.deepEqual(await client.hear(), request("ask"));
  client.say(result("ask"), notification("n"));
  assert.deepEqual(await server.hear(), result("ask"));
  assert.deepEqual(await server.hear(), notification("n"));
  server.say(result(1));
  await stopped;
});

Deno.test("Gateway.stop answers what is still open when the time is up", async () => {
  const { gateway, client, server, told } = await withOpenRequest();
  await gateway.stop(hasty);
  await client.over;
  assert.deepEqual((await client.rest()).messages, [failure(1, STOPPED)]);
  assert.deepEqual(await server.rest(), { messages: [], error: undefined });
  assert.deepEqual(told("request.finished").map(({ outcome }) => outcome), ["failed"]);
});

Deno.test("Gateway.stop waits for the requests of every session", async () => {
  const { gateway, visit, own, shared } = gatewayRig();
  const clients = [visit("session"), visit("request")];
  for (const client of clients) client.say(request(1));
  await settled();
  let stopped = false;
  const stopping = gateway.stop(patient).then(() => stopped = true);
  own.last().say(result(1));
  await settled();
  assert.equal(stopped, false);
  shared.last().say(result(1));
  await stopping;
  for (const client of clients) assert.deepEqual((await client.rest()).messages, [result(1)]);
});

Deno.test("Gateway.stop lets no session begin that was let in before and speaks only now", async () => {
  const rig = await withOpenRequest();
  const silent = rig.visit();
  const stopped = rig.gateway.stop(patient);
  silent.say(request(1));
  assert.deepEqual((await silent.rest()).messages, [failure(1, STOPPED)]);
  await silent.over;
  assert.equal(rig.own.servers.length, 1);
  rig.server.say(result(1));
  await stopped;
});

Deno.test("Gateway can be disposed without a stop: everything open is answered", async () => {
  const { gateway, client } = await withOpenRequest();
  await gateway[Symbol.asyncDispose]();
  assert.deepEqual((await client.rest()).messages, [failure(1, STOPPED)]);
  assert.throws(() => gateway.stopping.refuse(), StoppingError);
});

Deno.test("Gateway is stopped only when every server is freed", async () => {
  for (const how of ["stop", "dispose"] as const) {
    const { gateway, client, own } = await withOpenRequest();
    const freeing = Promise.withResolvers<void>();
    own.freeing = freeing.promise;
    let done = false;
    const ending = how === "stop" ? gateway.stop(hasty) : gateway[Symbol.asyncDispose]();
    void ending.then(() => done = true);
    await client.rest();
    await settled();
    assert.equal(done, false);
    freeing.resolve();
    await ending;
    await client.over;
  }
});
