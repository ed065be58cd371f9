import assert from "node:assert/strict";
import { BackendError, BusyError } from "../core/errors.ts";
import { FakeBackend, LAUNCH } from "../../tests/support/fake_backend.ts";
import { FarEnd, settled } from "../../tests/support/far_end.ts";
import { cancelled, notification, request, result } from "../../tests/support/messages.ts";
import { pulled } from "../../tests/support/pulled.ts";
import { recorder } from "../../tests/support/recorder.ts";
import { RequestChannel } from "./request_channel.ts";

function rig(backend = new FakeBackend()) {
  const record = recorder();
  const channel = new RequestChannel(backend, LAUNCH, record.emit);
  return {
    ...record,
    ...{ backend, channel, client: new FarEnd(channel) },
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  };
}

Deno.test("RequestChannel gives each request a server of its own, which ends with the answer", async () => {
  await using visit = rig();
  const { client, backend } = visit;
  client.say(request(1, "slow"), request("1", "quick"));
  const [slow, quick] = [await backend.next(), await backend.next()];
  assert.deepEqual(await slow.hear(), request(1, "slow"));
  assert.deepEqual(await quick.hear(), request("1", "quick"));
  quick.say(notification("notifications/message"), result("1"));
  assert.deepEqual(await client.hear(), notification("notifications/message"));
  assert.deepEqual(await client.hear(), result("1"));
  await settled();
  assert.deepEqual([slow.disposed, quick.disposed], [false, true]);
  slow.say(result(1));
  assert.deepEqual(await client.hear(), result(1));
  await settled();
  assert(slow.disposed);
});

Deno.test("RequestChannel passes nothing on that a server says after its answer", async () => {
  await using visit = rig();
  const { client, backend } = visit;
  client.say(request(1));
  const first = await backend.next();
  await first.hear();
  first.say(result(1), notification("late"), result(1));
  assert.deepEqual(await client.hear(), result(1));
  client.say(request(2));
  const second = await backend.next();
  await second.hear();
  second.say(result(2));
  assert.deepEqual(await client.hear(), result(2));
});

Deno.test("RequestChannel opens no server for what is no request, and tells what it drops", async () => {
  await using visit = rig();
  const { client, backend, told } = visit;
  client.say(notification("notifications/initialized"), notification("notifications/other"), result(7));
  await settled();
  assert.equal(backend.attempts, 0);
  assert.equal(told("message.dropped").length, 2);
});

Deno.test("RequestChannel stops the server of a cancelled request, and answers nothing", async () => {
  await using visit = rig();
  const { client, backend } = visit;
  client.say(request(1));
  const server = await backend.next();
  await server.hear();
  client.say(cancelled(1));
  while (!server.disposed) await settled();
  client.say(request(2));
  const other = await backend.next();
  await other.hear();
  other.say(result(2));
  assert.deepEqual(await client.hear(), result(2), "the first thing that is heard");
});

Deno.test("RequestChannel answers with the error when the server cannot be opened or breaks off", async () => {
  await using visit = rig(
    new FakeBackend((attempt) => {
      if (attempt === 1) throw new BackendError("No such program");
    }),
  );
  const { client, backend } = visit;
  client.say(request(1));
  assert.match(JSON.stringify(await client.hear()), /"id":1.*No such program/);
  client.say(request(2));
  const server = await backend.next();
  await server.hear();
  await server.leave();
  assert.match(JSON.stringify(await client.hear()), /"id":2.*The other end is gone/);
});

Deno.test("RequestChannel says of a request that found no room that it may be sent again", async () => {
  const backend = new FakeBackend(() => {
    throw new BusyError("Too many children: the limit is 1");
  });
  await using visit = rig(backend);
  void visit.channel.send({ message: request(1) });
  const { value } = await pulled(visit.channel.incoming).next();
  assert.deepEqual(value?.undelivered, { again: "later", afterMs: 5000, why: "busy" });
});

Deno.test("RequestChannel stops every server when it is disposed", async () => {
  const visit = rig();
  visit.client.say(request(1), request(2));
  const servers = [await visit.backend.next(), await visit.backend.next()];
  await visit[Symbol.asyncDispose]();
  assert.deepEqual(servers.map(({ disposed }) => disposed), [true, true]);
});
