import assert from "node:assert/strict";
import type { Backend } from "../../core/backend.ts";
import type { Undelivered } from "../../core/channel.ts";
import { BackendError, DisconnectedError } from "../../core/errors.ts";
import { FakeBackend, type FakeServer, LAUNCH } from "../../../tests/support/fake_backend.ts";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import { detectBackend } from "./detect.ts";

const { signal } = new AbortController();

async function rig(sse = new FakeBackend()) {
  const streamable = new FakeBackend();
  const record = recorder();
  const backend = detectBackend({ streamable, sse, emit: record.emit });
  const found = () => record.told("server.detected").map(({ wire }) => wire);
  return { streamable, sse, backend, found, ...await opened(backend, streamable) };
}

/** A channel of the backend, which begins with this one. */
async function opened(backend: Backend, first: FakeBackend) {
  const channel = await backend.open(LAUNCH, signal);
  return { channel, client: new FarEnd(channel), first: await first.next() };
}

/** Says that this is another transport. */
async function turnedAway(server: FakeServer, again: Undelivered["again"] = "never"): Promise<void> {
  const message = await server.hear();
  assert("id" in message && message.id !== undefined && message.id !== null);
  server.turnAway(message.id, { again, why: "foreign" });
}

Deno.test("detectBackend stays with Streamable HTTP where that answers, and remembers it", async () => {
  const { client, first, streamable, sse, backend, found } = await rig();
  client.say(request(1, "initialize"));
  await first.accept("initialize");
  assert.deepEqual(await client.hear(), result(1));
  // From here on a refusal says something else.
  client.say(request(2));
  await turnedAway(first);
  assert.deepEqual(await client.hear(), failure(2, "not reached"));
  await opened(backend, streamable);
  assert.deepEqual([streamable.attempts, sse.attempts], [2, 0]);
  assert.deepEqual(found(), ["streamableHttp"]);
});

Deno.test("detectBackend goes over to SSE at refusals and at what is no MCP, asks again there, and remembers it", async () => {
  for (const again of ["never", "later"] as const) {
    const { client, first, streamable, sse, backend, found } = await rig();
    client.say(request(1, "initialize"));
    await turnedAway(first, again);
    const old = await sse.next();
    await old.accept("initialize");
    assert.deepEqual(await client.hear(), result(1));
    assert.equal(first.disposed, true);
    client.say(notification("notifications/initialized"));
    assert.deepEqual(await old.hear(), notification("notifications/initialized"));
    await opened(backend, sse);
    assert.deepEqual([streamable.attempts, sse.attempts], [1, 2]);
    assert.deepEqual(found(), ["sse"]);
  }
});

Deno.test("detectBackend ends what it is still opening when its conversation is over", async () => {
  const hanging = Promise.withResolvers<void>();
  const signals: AbortSignal[] = [];
  const sse = new FakeBackend((_, opening) => {
    signals.push(opening);
    return hanging.promise;
  });
  const { client, first, channel } = await rig(sse);
  client.say(request(1, "initialize"));
  await turnedAway(first);
  await settled();
  assert.deepEqual(signals.map(({ aborted }) => aborted), [false]);
  const disposed = channel[Symbol.asyncDispose]();
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true]);
  hanging.reject(new BackendError("aborted"));
  await disposed;
});

Deno.test("detectBackend hears nothing more of the transport that it has left, its end neither", async () => {
  const { client, first, sse } = await rig();
  client.say(request(1, "initialize"));
  await turnedAway(first);
  first.say(notification("late"));
  const old = await sse.next();
  await old.accept("initialize");
  assert.deepEqual(await client.hear(), result(1));
  await first.leave();
  await settled();
  old.say(notification("from SSE"));
  assert.deepEqual(await client.hear(), notification("from SSE"));
});

Deno.test("detectBackend asks the other transport for all that the first did not answer", async () => {
  const { client, first, sse } = await rig();
  client.say(request(1, "ping"), request(2, "initialize"));
  for (const _ of "12") await first.hear();
  first.turnAway(1, { again: "never", why: "foreign" });
  const old = await sse.next();
  assert.deepEqual([await old.hear(), await old.hear()], [request(1, "ping"), request(2, "initialize")]);
});

Deno.test("detectBackend says what comes behind initialize to the transport that is found, once and in order", async () => {
  for (const falls of [false, true]) {
    const { client, first, sse } = await rig();
    const behind = [notification("notifications/initialized"), request(2), notification(), request(3)];
    client.say(request(1, "initialize"), ...behind);
    if (falls) await turnedAway(first);
    const found = falls ? await sse.next() : first;
    await found.accept("initialize");
    for (const message of behind) assert.deepEqual(await found.hear(), message);
    await found.leave();
    if (falls) assert.deepEqual((await first.rest()).messages, []);
  }
});

Deno.test("detectBackend decides nothing by failures that say nothing about the transport", async () => {
  const { client, first, sse } = await rig();
  const verdicts: Undelivered[] = [
    { again: "later" },
    { again: "later", why: "busy" },
    { again: "later", why: "redirected" },
    { again: "never" },
  ];
  for (const verdict of verdicts) {
    client.say(request("early", "initialize"));
    await first.hear();
    first.turnAway("early", verdict);
    assert.deepEqual(await client.hear(), failure("early", "not reached"));
  }
  client.say(request("refused", "initialize"));
  await first.hear();
  first.say(failure("refused", "down"));
  await client.hear();
  client.say(request("late", "initialize"));
  await turnedAway(first);
  assert.deepEqual(await (await sse.next()).hear(), request("late", "initialize"));
});

Deno.test("detectBackend stays with Streamable HTTP where the refusal is in words that the old transport has not", async () => {
  for (const code of [-32020, -32021, -32022]) {
    const { client, first, streamable, sse, backend, found } = await rig();
    client.say(request(1, "initialize"));
    await first.hear();
    first.say(failure(1, "no", code));
    assert.deepEqual(await client.hear(), failure(1, "no", code));
    await opened(backend, streamable);
    assert.deepEqual([streamable.attempts, sse.attempts, found()], [2, 0, ["streamableHttp"]]);
  }
});

Deno.test("detectBackend opens a channel of the modern era over the one wire that carries it, and decides by an answer of it alone", async () => {
  const [streamable, sse] = [new FakeBackend(), new FakeBackend()];
  const record = recorder();
  const backend = detectBackend({ streamable, sse, emit: record.emit });
  const launch = { ...LAUNCH, era: "modern" } as const;
  const client = new FarEnd(await backend.open(launch, signal));
  const first = await streamable.next();
  client.say(request(1, "server/discover"));
  await turnedAway(first);
  const { undelivered } = await client.next();
  assert.deepEqual(undelivered, { again: "never", why: "foreign" });
  assert.deepEqual([streamable.launches, sse.attempts], [[launch], 0]);
  assert.deepEqual(record.told("server.detected"), []);
  client.say(request(2, "server/discover"), request(3));
  for (const method of ["server/discover", "tools/call"]) {
    await first.accept(method);
    await client.hear();
  }
  assert.deepEqual(record.told("server.detected").map(({ wire }) => wire), ["streamableHttp"]);
});

Deno.test("detectBackend gives the reasons of both where it is neither transport", async () => {
  const neither = new FakeBackend(() => {
    throw new BackendError("no SSE");
  });
  const { client, first } = await rig(neither);
  client.say(request(1, "initialize"));
  await turnedAway(first);
  assert.deepEqual(await client.hear(), failure(1, "not reached; as SSE: no SSE"));
});

Deno.test("detectBackend passes the end and the break on", async () => {
  const ending = await rig();
  await ending.first.close();
  assert.deepEqual(await ending.client.rest(), { messages: [], error: undefined });
  const breaking = await rig();
  await breaking.first.leave();
  assert((await breaking.client.rest()).error instanceof DisconnectedError);
});

Deno.test("detectBackend frees whatever it has opened, also what was just being opened", async () => {
  const opening = Promise.withResolvers<void>();
  const { client, first, sse, channel } = await rig(new FakeBackend(() => opening.promise));
  client.say(request(1, "initialize"));
  await turnedAway(first);
  while (sse.attempts === 0) await settled();
  await channel[Symbol.asyncDispose]();
  assert.equal(first.disposed, true);
  opening.resolve();
  const old = await sse.next();
  while (!old.disposed) await settled();
  assert.deepEqual(await client.rest(), { messages: [], error: undefined });
});
