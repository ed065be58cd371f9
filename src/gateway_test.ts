import assert from "node:assert/strict";
import { LimitError, RequestError } from "./core/errors.ts";
import type { MessagePolicy } from "./core/policy.ts";
import { settled } from "../tests/support/far_end.ts";
import { gatewayRig } from "../tests/support/gateway_rig.ts";
import { failure, notification, request, result } from "../tests/support/messages.ts";

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
  const { visit } = gatewayRig({ maxSessions: 2 });
  const [first] = [visit(), visit()];
  assert.throws(() => visit(), (error) => {
    assert(error instanceof LimitError);
    assert.equal(error.status, 503);
    assert.match(error.message, /limit is 2/);
    return true;
  });
  visit("request");
  await first.leave();
  await first.over;
  visit();
  assert.throws(() => visit(), LimitError);
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

Deno.test("Gateway counts no session that could not be let in", () => {
  const { visit } = gatewayRig({ maxSessions: 1 });
  visit();
  for (let count = 0; count < 5; count++) assert.throws(() => visit(), /limit is 1/);
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
  const { visit } = gatewayRig({ requestTimeoutMs: 10 });
  for (const scope of ["session", "request"] as const) {
    const client = visit(scope);
    client.say(request(1));
    const message = await client.hear();
    assert("error" in message && /within 10 ms/.test(message.error.message));
    await client.leave();
    await client.over;
  }
});
