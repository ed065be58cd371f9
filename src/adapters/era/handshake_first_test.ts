import assert from "node:assert/strict";
import { FakeBackend, type FakeServer, LAUNCH } from "../../../tests/support/fake_backend.ts";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import { Queue } from "../../base/queue.ts";
import { around } from "../../core/around.ts";
import type { Channel, Envelope } from "../../core/channel.ts";
import { BackendError, BusyError } from "../../core/errors.ts";
import { isRequest } from "../../core/message/jsonrpc.ts";
import { handshakeFirst } from "./handshake_first.ts";
import { ServerEra } from "./server_era.ts";

const INITIALIZE = request("init", "initialize", { protocolVersion: "2025-11-25" });
const INITIALIZED = notification("notifications/initialized");
const TAKEN = result("init", { protocolVersion: "2025-11-25" });
const REFUSED = failure("init", "Unsupported protocol version");

interface RigOptions {
  readonly setting?: "auto" | "legacy" | "modern";
  /** Settles or rejects before a server of the modern era is opened. */
  readonly translating?: () => Promise<void> | void;
}

function rig({ setting = "auto", translating = () => {} }: RigOptions = {}) {
  const record = recorder();
  const [legacy, asking, translated] = [new FakeBackend(), new FakeBackend(), new FakeBackend(translating)];
  const { emit } = record;
  const clientInfo = { name: "keystone", version: "1" };
  const era = new ServerEra({
    setting,
    clientInfo,
    timeoutMs: 60_000,
    patientMs: 60_000,
    backend: asking,
    emit,
  });
  const backend = handshakeFirst(legacy, { translated, era, emit });
  const channels: Channel[] = [];
  return {
    ...record,
    ...{ legacy, asking, translated, era },
    async open() {
      const channel = await backend.open(LAUNCH, new AbortController().signal);
      channels.push(channel);
      return { channel, client: new FarEnd(around(channel, { incoming: readAtOnce(channel) })) };
    },
    /** Answers who asks for the era of the server. */
    async say(supported: "modern" | "legacy") {
      const server = await asking.next();
      const message = await server.hear();
      assert(isRequest(message));
      const { id } = message;
      server.say(supported === "modern" ? result(id, { supportedVersions: ["2026-07-28"] }) : failure(id));
    },
    async [Symbol.asyncDispose]() {
      for (const channel of channels) await channel[Symbol.asyncDispose]();
      await era[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}

/** As whoever has a channel reads it: without being asked for each message. */
function readAtOnce({ incoming }: Channel): Queue<Envelope> {
  const queue = new Queue<Envelope>();
  incoming.read(
    (envelope) => void queue.push(envelope),
    (failure) => failure ? queue.fail(failure.error) : queue.end(),
  );
  return queue;
}

/** A client whose handshake its server is about to refuse. */
async function begun(it: ReturnType<typeof rig>) {
  const { client, channel } = await it.open();
  const server = await it.legacy.next();
  client.say(INITIALIZE);
  assert.deepEqual(await server.hear(), INITIALIZE);
  return { client, channel, server };
}

Deno.test("handshakeFirst leaves a client alone with a server that takes its handshake, and with all that come then", async () => {
  await using it = rig();
  const { client, server } = await begun(it);
  const early = notification("notifications/message");
  server.say(early, TAKEN);
  assert.deepEqual([await client.hear(), await client.hear()], [early, TAKEN]);
  assert.deepEqual([it.era.shakesHands, it.era.modern], [true, undefined]);
  client.say(INITIALIZED, request(1));
  assert.deepEqual([await server.hear(), await server.hear()], [INITIALIZED, request(1)]);
  server.say(result(1), request("s", "ping"));
  assert.deepEqual([await client.hear(), await client.hear()], [result(1), request("s", "ping")]);
  const next = await it.open();
  assert.equal(next.channel, (await it.legacy.next()).near);
  assert.deepEqual([it.asking.attempts, it.translated.attempts], [0, 0]);
});

Deno.test("handshakeFirst gives a client the refusal of a server that is no modern one", async () => {
  await using it = rig();
  const { client, server } = await begun(it);
  server.say(REFUSED);
  await it.say("legacy");
  assert.deepEqual(await client.hear(), REFUSED);
  // It may try once more, with another revision.
  client.say({ ...INITIALIZE, id: "again" });
  assert.deepEqual(await server.hear(), { ...INITIALIZE, id: "again" });
  server.say(result("again"));
  assert.deepEqual(await client.hear(), result("again"));
  assert.deepEqual([it.era.shakesHands, it.era.modern, it.translated.attempts], [true, false, 0]);
});

Deno.test("handshakeFirst has a modern server translated for who was refused, and at once for all that come then", async () => {
  await using it = rig();
  const { client, server } = await begun(it);
  server.say(REFUSED);
  await it.say("modern");
  const translated = await it.translated.next();
  assert.deepEqual(await translated.hear(), INITIALIZE);
  assert.deepEqual(it.translated.launches, [LAUNCH]);
  await server.rest();
  assert(server.disposed);
  translated.say(TAKEN);
  assert.deepEqual(await client.hear(), TAKEN);
  client.say(INITIALIZED);
  assert.deepEqual(await translated.hear(), INITIALIZED);
  assert.deepEqual([it.era.shakesHands, it.era.modern], [false, true]);
  const { channel } = await it.open();
  assert.equal(channel, (await it.translated.next()).near);
  assert.deepEqual([it.legacy.attempts, it.asking.attempts], [1, 1]);
});

Deno.test("handshakeFirst loses nothing that a client says before its handshake is answered", async () => {
  await using it = rig();
  const { client, server } = await begun(it);
  client.say(INITIALIZED, request(1), request(2));
  for (const said of [INITIALIZED, request(1), request(2)]) assert.deepEqual(await server.hear(), said);
  // What is answered is not asked again.
  server.say(failure(1, "not yet"));
  assert.deepEqual(await client.hear(), failure(1, "not yet"));
  server.say(REFUSED, failure(2, "not yet"));
  const asked = await it.asking.next();
  client.say(request(3));
  client.say(request(4));
  const message = await asked.hear();
  assert(isRequest(message));
  asked.say(result(message.id, { supportedVersions: ["2026-07-28"] }));
  const translated = await it.translated.next();
  for (const said of [INITIALIZE, INITIALIZED, request(2), request(3), request(4)]) {
    assert.deepEqual(await translated.hear(), said);
  }
  translated.say(TAKEN, result(2));
  assert.deepEqual([await client.hear(), await client.hear()], [TAKEN, result(2)]);
});

Deno.test("handshakeFirst lets what is said while it asks go to the server that has refused, if that is legacy", async () => {
  await using it = rig();
  const { client, server } = await begun(it);
  client.say(request(1));
  await server.hear();
  server.say(REFUSED);
  await settled();
  client.say(request(2));
  server.say(result(1));
  await it.say("legacy");
  assert.deepEqual(await server.hear(), request(2));
  server.say(result(2));
  assert.deepEqual([await client.hear(), await client.hear(), await client.hear()], [
    REFUSED,
    result(1),
    result(2),
  ]);
});

Deno.test("handshakeFirst believes the refusal where a client has said more than is kept", async () => {
  await using it = rig();
  const { client, server } = await begun(it);
  for (let id = 0; id < 200; id++) {
    client.say(request(id));
    await server.hear();
  }
  server.say(REFUSED, failure(0));
  assert.deepEqual([await client.hear(), await client.hear()], [REFUSED, failure(0)]);
  assert.equal(it.asking.attempts, 0);
});

/** Each way in which a server ends. */
const ENDS: Record<string, (server: FakeServer) => unknown> = {
  "ends": (server) => server.leave(),
  "breaks off": (server) => server.breakOff(new BackendError("it exited")),
};

for (const [what, end] of Object.entries(ENDS)) {
  Deno.test(`handshakeFirst finds out what a server speaks that ${what} after it has refused`, async () => {
    await using it = rig();
    const { client, server } = await begun(it);
    server.say(REFUSED);
    const asked = await it.asking.next();
    end(server);
    await settled();
    const message = await asked.hear();
    assert(isRequest(message));
    asked.say(result(message.id, { supportedVersions: ["2026-07-28"] }));
    const translated = await it.translated.next();
    assert.deepEqual(await translated.hear(), INITIALIZE);
    translated.say(TAKEN);
    assert.deepEqual(await client.hear(), TAKEN);
    translated.breakOff(new BackendError("the other one"));
    assert.match(`${(await client.rest()).error}`, /the other one/);
  });

  Deno.test(`handshakeFirst gives the refusal and the end of a legacy server that ${what} while it is asked`, async () => {
    await using it = rig();
    const { client, server } = await begun(it);
    server.say(REFUSED);
    await settled();
    end(server);
    await settled();
    await it.say("legacy");
    const { messages, error } = await client.rest();
    assert.deepEqual(messages, [REFUSED]);
    assert.equal(error instanceof BackendError, what === "breaks off");
  });

  Deno.test(`handshakeFirst says so where a server ${what} before it has answered`, async () => {
    await using it = rig();
    const { client, server } = await begun(it);
    end(server);
    assert.deepEqual((await client.rest()).messages, []);
    assert.equal(it.asking.attempts, 0);
  });
}

Deno.test("handshakeFirst takes no answer of a wire for one of the server", async () => {
  await using it = rig();
  const { client, server } = await begun(it);
  server.turnAway("init");
  assert.deepEqual((await client.next()).undelivered, { again: "later" });
  assert.deepEqual([it.asking.attempts, it.era.shakesHands], [0, undefined]);
});

Deno.test("handshakeFirst asks once for all clients that were refused at the same time", async () => {
  await using it = rig();
  const [one, other] = [await begun(it), await begun(it)];
  one.server.say(REFUSED);
  other.server.say(REFUSED);
  await it.say("modern");
  for (const { client } of [one, other]) {
    const translated = await it.translated.next();
    assert.deepEqual(await translated.hear(), INITIALIZE);
    translated.say(TAKEN);
    await client.hear();
  }
  assert.equal(it.asking.attempts, 1);
});

Deno.test("handshakeFirst gives the refusal where nobody can be asked, and tries again with the next client", async () => {
  await using it = rig();
  const one = await begun(it);
  one.server.say(REFUSED);
  const asked = await it.asking.next();
  const message = await asked.hear();
  assert(isRequest(message));
  asked.turnAway(message.id);
  assert.deepEqual(await one.client.hear(), REFUSED);
  const other = await begun(it);
  other.server.say(REFUSED);
  await it.say("modern");
  assert.deepEqual(await (await it.translated.next()).hear(), INITIALIZE);
});

Deno.test("handshakeFirst gives the refusal where the modern server cannot be opened, and goes on with the other", async () => {
  await using it = rig({
    translating: () => {
      throw new BusyError("no room");
    },
  });
  const { client, server } = await begun(it);
  server.say(REFUSED);
  await it.say("modern");
  assert.deepEqual(await client.hear(), REFUSED);
  client.say(request(1));
  assert.deepEqual(await server.hear(), request(1));
  await assert.rejects(it.open(), /no room/);
});

Deno.test("handshakeFirst asks nobody where it is set what the server speaks", async () => {
  for (const setting of ["legacy", "modern"] as const) {
    await using it = rig({ setting });
    const { channel, client } = await it.open();
    const server = await (setting === "legacy" ? it.legacy : it.translated).next();
    assert.equal(channel, server.near);
    client.say(INITIALIZE);
    await server.hear();
    server.say(REFUSED);
    assert.deepEqual(await client.hear(), REFUSED);
    assert.deepEqual([it.asking.attempts, it.legacy.attempts + it.translated.attempts], [0, 1]);
  }
});

Deno.test("handshakeFirst frees both servers of a client that leaves while it is decided", async () => {
  await using it = rig();
  const { channel, server } = await begun(it);
  server.say(REFUSED);
  await it.asking.next();
  await channel[Symbol.asyncDispose]();
  assert(server.disposed);
  assert.equal(it.translated.attempts, 0);
});

Deno.test("handshakeFirst frees the modern server of a client that leaves while that is opened", async () => {
  const opening = Promise.withResolvers<void>();
  await using it = rig({ translating: () => opening.promise });
  const { channel, server } = await begun(it);
  server.say(REFUSED);
  await it.say("modern");
  await settled();
  const disposed = channel[Symbol.asyncDispose]();
  opening.resolve();
  await disposed;
  assert(server.disposed);
  assert((await it.translated.next()).disposed);
});

Deno.test("handshakeFirst frees a modern server that ends before it has heard of its client", async () => {
  const opening = Promise.withResolvers<void>();
  await using it = rig({ translating: () => opening.promise });
  const { channel, client, server } = await begun(it);
  server.say(REFUSED);
  await it.say("modern");
  const translated = it.translated.next();
  opening.resolve();
  const gone = await translated;
  gone.breakOff(new BackendError("gone"));
  gone.near.send = () => {
    throw new BackendError("gone");
  };
  assert.match(`${(await client.rest()).error}`, /gone/);
  await channel[Symbol.asyncDispose]();
  assert(server.disposed && gone.disposed);
});
