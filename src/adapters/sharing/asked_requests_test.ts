import assert from "node:assert/strict";
import { isRequest, type RequestId } from "../../core/message/jsonrpc.ts";
import { type FarEnd, settled } from "../../../tests/support/far_end.ts";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { type SharedServerRig, sharedServerRig } from "../../../tests/support/shared_server_rig.ts";
import {
  cancelled,
  failure,
  notification,
  progress,
  request,
  result,
} from "../../../tests/support/messages.ts";
import type { ClientKind } from "./shared_client.ts";

const ASK = "sampling/createMessage";
/** Longer than what is asked at once takes. */
const BREATH_MS = 15;
const ALL = { sampling: {}, elicitation: {}, roots: {} };

/** A client that has declared what it can be asked. */
async function introduced(
  { join }: SharedServerRig,
  capabilities: unknown = ALL,
  kind?: ClientKind,
  party?: string,
): Promise<FarEnd> {
  const client = join(kind, party);
  client.say(request("i", "initialize", { capabilities }));
  await client.hear();
  return client;
}

/** Gives a client an open request. */
async function busy(server: FarEnd, client: FarEnd, id: RequestId = 1): Promise<RequestId> {
  client.say(request(id));
  const message = await server.hear();
  assert(isRequest(message));
  return message.id;
}

/** The server hears that this is taken back, and a ping: the id of that. */
async function heardCancellation(server: FarEnd, id: RequestId): Promise<RequestId> {
  const heard = await server.hear();
  assert("method" in heard && heard.method === "notifications/cancelled" && heard.params?.requestId === id);
  const ping = await server.hearRequest();
  assert.equal(ping.method, "ping");
  return ping.id;
}

/** What the server is told instead of an answer. */
async function refusal(server: FarEnd, id: RequestId): Promise<{ code: number; message: string }> {
  const message = await server.hear();
  assert("error" in message, JSON.stringify(message));
  assert.equal(message.id, id);
  return message.error;
}

Deno.test("AskedRequests asks the client whose requests are the only ones in flight, and brings its answer back", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  const [one, other] = [await introduced(rig), await introduced(rig)];
  const open = [await busy(server, other), await busy(server, other, "1")];
  for (const id of [1, "1", "a:b"]) {
    for (const method of [ASK, "elicitation/create", "roots/list", "unknown/method"]) {
      server.say(request(id, method, { secret: id }));
      assert.deepEqual(await other.hear(), request(id, method, { secret: id }));
      other.say(result(id, { of: "other" }));
      assert.deepEqual(await server.hear(), result(id, { of: "other" }));
    }
  }
  server.say(...open.map((id) => result(id)));
  await busy(server, one);
  server.say(request(1, ASK));
  await one.next();
  one.say(failure(1, "rejected", -1));
  assert.deepEqual(await server.hear(), failure(1, "rejected", -1));
});

Deno.test("AskedRequests asks the only session there is when nothing is in flight", async () => {
  const rig = sharedServerRig();
  await introduced(rig, ALL, "request");
  const session = await introduced(rig);
  rig.server.say(request(1, "roots/list"));
  assert.deepEqual(await session.hear(), request(1, "roots/list"));
});

Deno.test("AskedRequests refuses what several clients may be meant by, and what there is nobody for", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  server.say(request(1, ASK));
  assert.deepEqual(await refusal(server, 1), {
    code: -32000,
    message: `"${ASK}" cannot be asked: whom it is for is not there`,
  });
  const [one, other] = [await introduced(rig), await introduced(rig)];
  const ambiguous = {
    code: -32000,
    message: `"${ASK}" is ambiguous: several clients share this server, and each of them may be meant`,
  };
  server.say(request("1", ASK));
  assert.deepEqual(await refusal(server, "1"), ambiguous);
  await busy(server, one);
  await busy(server, other);
  server.say(request(1, ASK));
  assert.deepEqual(await refusal(server, 1), ambiguous);
  assert.deepEqual(rig.drops().slice(1), [ambiguous.message, ambiguous.message]);
});

Deno.test("AskedRequests counts those who wait for a shared answer among those who may be meant", async () => {
  const rig = sharedServerRig();
  const [one, other] = [await introduced(rig), await introduced(rig)];
  await busy(rig.server, one);
  other.say(request(1, "resources/subscribe", { uri: "a:b" }));
  await rig.server.next();
  rig.server.say(request(1, ASK));
  assert.match((await refusal(rig.server, 1)).message, /ambiguous/);
});

Deno.test("AskedRequests does not take the question of a request that was taken back for another client's", async () => {
  for (const how of ["cancels", "leaves"]) {
    const rig = sharedServerRig();
    const { server } = rig;
    const [withdrawing, other] = [await introduced(rig), await introduced(rig)];
    const id = await busy(server, withdrawing, "a:b");
    if (how === "leaves") await withdrawing.leave();
    else withdrawing.say(cancelled("a:b"));
    assert("method" in await server.hear());
    const ping = await server.hear();
    assert(isRequest(ping) && ping.method === "ping");
    // Nothing else is in flight.
    server.say(request(1, ASK, { of: id }));
    if (how === "leaves") assert.match((await refusal(server, 1)).message, /whom it is for is not there/);
    else assert.deepEqual(await withdrawing.hear(), request(1, ASK, { of: id }));
    await busy(server, other);
    server.say(request(2, ASK, { of: id }));
    assert.match((await refusal(server, 2)).message, /ambiguous/);
    server.say(result(ping.id), request(3, ASK));
    assert.deepEqual(await other.hear(), request(3, ASK));
  }
});

Deno.test("AskedRequests waits for a second ping where a request is taken back after the first", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  const [one, other, third] = [await introduced(rig), await introduced(rig), await introduced(rig)];
  await busy(server, one);
  await busy(server, other);
  await busy(server, third);
  one.say(cancelled(1));
  other.say(cancelled(1));
  const heard = [await server.hear(), await server.hear(), await server.hear()];
  const [first, ...more] = heard.filter(isRequest);
  assert(first && more.length === 0);
  server.say(failure(first.id, "no such method"));
  const second = await server.hear();
  assert(isRequest(second) && second.method === "ping");
  server.say(request(1, ASK));
  assert.match((await refusal(server, 1)).message, /ambiguous/);
  server.say(result(second.id), request(2, ASK));
  assert.deepEqual(await third.hear(), request(2, ASK));
});

Deno.test("AskedRequests asks no client without a session", async () => {
  const rig = sharedServerRig();
  const single = await introduced(rig, ALL, "request");
  await introduced(rig);
  await busy(rig.server, single);
  rig.server.say(request(1, ASK));
  const message = `"${ASK}" cannot be asked of a client without a session (--stateful)`;
  assert.deepEqual(await refusal(rig.server, 1), { code: -32601, message });
});

Deno.test("AskedRequests says of calls that stand alone what is missing, however many there are or were", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  const [one, other] = [await introduced(rig, ALL, "request"), await introduced(rig, ALL, "request")];
  const message = `"${ASK}" cannot be asked of a client without a session (--stateful)`;
  const missing = { code: -32601, message };
  await busy(server, one);
  await busy(server, other);
  server.say(request(1, ASK));
  assert.deepEqual(await refusal(server, 1), missing);
  await one.leave();
  assert("method" in await server.hear());
  assert("method" in await server.hear());
  server.say(request(2, ASK));
  assert.deepEqual(await refusal(server, 2), missing);
});

Deno.test("AskedRequests asks a client for nothing that it has not declared", async () => {
  const methods = { sampling: ASK, elicitation: "elicitation/create", roots: "roots/list" };
  for (const [capability, method] of Object.entries(methods)) {
    for (const capabilities of [{ ...ALL, [capability]: undefined }, { [capability]: null }, null]) {
      const rig = sharedServerRig();
      const client = await introduced(rig, JSON.parse(JSON.stringify(capabilities)));
      await busy(rig.server, client);
      rig.server.say(request(1, method), request(2, "unknown/method"));
      const message = `"${method}" cannot be asked: the client does not declare "${capability}"`;
      assert.deepEqual(await refusal(rig.server, 1), { code: -32601, message });
      assert.deepEqual(await client.hear(), request(2, "unknown/method"));
    }
  }
});

Deno.test("AskedRequests refuses questions about tasks", async () => {
  const rig = sharedServerRig();
  await introduced(rig);
  rig.server.say(request(1, "tasks/get", { taskId: "t" }));
  assert.equal((await refusal(rig.server, 1)).code, -32601);
});

Deno.test("AskedRequests answers ping by itself", async () => {
  const { server, join } = sharedServerRig();
  join();
  server.say(request("p", "ping"));
  assert.deepEqual(await server.hear(), result("p"));
});

Deno.test("AskedRequests takes an answer only from the client that was asked, and only once", async () => {
  const rig = sharedServerRig();
  const { server, drops } = rig;
  const [one, other] = [await introduced(rig), await introduced(rig)];
  await busy(server, one);
  server.say(request(1, ASK));
  await one.next();
  other.say(result(1, "stolen"), failure(1));
  one.say(result("1"), failure(null), result(1, "right"), result(1, "again"));
  assert.deepEqual(await server.hear(), result(1, "right"));
  assert.deepEqual(drops(), Array(5).fill("it answers nothing that this client was asked"));
});

Deno.test("AskedRequests refuses a second request with an id that is still open", async () => {
  const rig = sharedServerRig();
  const client = await introduced(rig);
  rig.server.say(request(1, ASK), request("1", ASK), request(1, ASK));
  assert.equal((await refusal(rig.server, 1)).code, -32600);
  assert.deepEqual(await client.hear(), request(1, ASK));
  assert.deepEqual(await client.hear(), request("1", ASK));
});

Deno.test("AskedRequests tells the server of each question that a client leaves behind", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  const leaving = await introduced(rig);
  server.say(request(1, ASK), request("1", "roots/list"));
  await leaving.next();
  const staying = await introduced(rig);
  await busy(server, staying);
  server.say(request(2, ASK));
  await staying.next();
  await leaving.leave();
  for (const id of [1, "1"]) {
    assert.deepEqual(await refusal(server, id), {
      code: -32000,
      message: "The client that was asked is gone",
    });
  }
  staying.say(result(2));
  assert.deepEqual(await server.hear(), result(2));
});

Deno.test("AskedRequests brings a cancellation to the client that was asked alone", async () => {
  const rig = sharedServerRig();
  const { server, drops } = rig;
  const asked = await introduced(rig);
  server.say(request(1, ASK));
  await asked.next();
  const other = await introduced(rig);
  server.say(cancelled("1"), cancelled(1), cancelled(1), notification("notifications/cancelled"));
  assert.deepEqual(await asked.hear(), cancelled(1));
  asked.say(result(1, "late"));
  await settled();
  await other.leave();
  assert.deepEqual((await other.rest()).messages, []);
  const nobody = "it cancels a request that nobody was asked";
  assert.deepEqual(drops(), [nobody, nobody, nobody, "it answers nothing that this client was asked"]);
});

Deno.test("AskedRequests passes progress up from the client that was asked, while it is asked", async () => {
  const rig = sharedServerRig();
  const { server, drops } = rig;
  const asked = await introduced(rig);
  server.say(
    request(1, ASK, { _meta: { progressToken: "t" } }),
    request(2, ASK, { _meta: { progressToken: 0 } }),
  );
  await asked.next();
  await asked.next();
  const other = await introduced(rig);
  other.say(progress("t"), progress(0));
  asked.say(progress("0"), progress("t"), progress(0), result(1), progress("t"), result(2));
  for (const expected of [progress("t"), progress(0), result(1), result(2)]) {
    assert.deepEqual(await server.hear(), expected);
  }
  assert.deepEqual(drops(), Array(4).fill("progress of nothing that this client was asked"));
});

Deno.test("AskedRequests asks the one of several calls of one party that has not asked, and all that one call asks at once", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  const [one, two] = [
    await introduced(rig, ALL, "session", "ann"),
    await introduced(rig, ALL, "session", "ann"),
  ];
  await busy(server, one);
  // In one breath.
  server.say(request("a", ASK), request("b", ASK));
  assert.deepEqual(await one.hear(), request("a", ASK));
  assert.deepEqual(await one.hear(), request("b", ASK));
  await busy(server, two);
  await new Promise((resolve) => setTimeout(resolve, BREATH_MS));
  server.say(request("c", ASK));
  assert.deepEqual(await two.hear(), request("c", ASK));
  one.say(result("a", { of: "one" }));
  assert.deepEqual(await server.hear(), result("a", { of: "one" }));
  await busy(server, await introduced(rig, ALL, "session", "bob"));
  server.say(request("d", ASK));
  assert.equal((await refusal(server, "d")).code, -32000);
});

Deno.test("AskedRequests waits with what several calls of one party may be meant by, until one of them is left", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  const ann = () => introduced(rig, ALL, "session", "ann");
  const [one, two, three] = [await ann(), await ann(), await ann()];
  const open = [await busy(server, one), await busy(server, two), await busy(server, three)];
  server.say(request("q", ASK));
  // Who begins later has not asked it.
  const late = await ann();
  await busy(server, late);
  server.say(result(open[0]!, {}));
  assert.deepEqual(await one.hear(), result(1));
  server.say(request("q", ASK));
  assert.match((await refusal(server, "q")).message, /still open/);
  await three.leave();
  server.say(result(await heardCancellation(server, open[2]!)));
  assert.deepEqual(await two.hear(), request("q", ASK));
  await Promise.all([one.leave(), two.leave(), late.leave()]);
});

Deno.test("AskedRequests waits with what may be for a call of the party that has left, until the server knows of that", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  const ann = () => introduced(rig, ALL, "session", "ann");
  const [left, stays] = [await ann(), await ann()];
  const open = [await busy(server, left), await busy(server, stays)];
  await left.leave();
  server.say(request("of the one that left", ASK), cancelled("of the one that left"), request("q", ASK));
  server.say(result(await heardCancellation(server, open[0]!)));
  assert.deepEqual(await stays.hear(), request("q", ASK));
  stays.say(result("q", { of: "stays" }));
  assert.deepEqual(await server.hear(), result("q", { of: "stays" }));
});

Deno.test("AskedRequests refuses what may be for a call of another party that has left", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  const left = await introduced(rig, ALL, "session", "ann");
  const stays = await introduced(rig, ALL, "session", "bob");
  const open = await busy(server, left);
  await busy(server, stays);
  await left.leave();
  server.say(request("q", ASK));
  await heardCancellation(server, open);
  assert.match((await refusal(server, "q")).message, /ambiguous/);
});

Deno.test("AskedRequests refuses what does not become clear in time, and forgets what the server takes back", async () => {
  using clock = fakeClock();
  const rig = sharedServerRig();
  const { server } = rig;
  const clients = [
    await introduced(rig, ALL, "session", "ann"),
    await introduced(rig, ALL, "session", "ann"),
  ];
  for (const client of clients) await busy(server, client);
  server.say(request("q", ASK), request("r", ASK), cancelled("r"));
  await settled();
  clock.pass(10_000);
  const { code, message } = await refusal(server, "q");
  assert.equal(code, -32000);
  assert.match(message, /ambiguous/);
  for (const client of clients) await client.leave();
});

Deno.test("AskedRequests takes clients that name no party for as many as they are", async () => {
  const rig = sharedServerRig();
  const { server } = rig;
  await busy(server, await introduced(rig));
  await busy(server, await introduced(rig));
  server.say(request(1, ASK));
  assert.equal((await refusal(server, 1)).code, -32000);
});
