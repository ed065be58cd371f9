import assert from "node:assert/strict";
import { Queue } from "../../base/queue.ts";
import { heard } from "../around.ts";
import { type Channel, type Envelope, memoryChannels } from "../channel.ts";
import { BackendError, DisconnectedError, StoppingError } from "../errors.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { cancelled, failure, notification, request, result } from "../../../tests/support/messages.ts";
import { sessionRig } from "../../../tests/support/session_rig.ts";

const STOPPED = "The gateway is shutting down";

Deno.test("Session waits for open requests when the client says no more", async () => {
  const { client, server, session, over } = sessionRig();
  client.say(request(1), request(2), cancelled(2));
  await client.close();
  for (let count = 0; count < 3; count++) await server.hear();
  await settled();
  assert.equal(session.openRequests, 1);
  server.say(notification("before"), result(1));
  const { messages, error } = await client.rest();
  assert.deepEqual(messages, [notification("before"), result(1)]);
  assert.equal(error, undefined);
  await over;
});

Deno.test("Session closes the server when the client is done", async () => {
  const { client, server, over, told } = sessionRig();
  client.say(notification("only"));
  await client.close();
  assert.deepEqual(await server.rest(), { messages: [notification("only")], error: undefined });
  await over;
  assert.equal(told("session.closed")[0]?.reason, "the client is done");
  assert.equal(told("session.closed")[0]?.error, undefined);
});

Deno.test("Session.end answers what is open with its error, then frees both sides", async () => {
  const { client, server, session, over, told } = sessionRig();
  client.say(request(1));
  await server.hear();
  session.end(new StoppingError());
  session.end(new BackendError("later"));
  assert.deepEqual((await client.rest()).messages, [failure(1, STOPPED)]);
  assert.deepEqual((await server.rest()).messages, []);
  await over;
  assert.equal(told("session.closed")[0]?.reason, "ended by the gateway");
  assert.equal(session.openRequests, 0);
});

Deno.test("Session.end before the first message ends it without a server", async () => {
  const { client, session, over, opened } = sessionRig();
  session.end(new StoppingError());
  await over;
  assert.deepEqual((await client.rest()).messages, []);
  assert.equal(opened(), 0);
});

Deno.test("Session.end while a server opens answers at once, aborts, and frees a server that comes late", async () => {
  const opening = Promise.withResolvers<Channel>();
  let signal: AbortSignal | undefined;
  const { client, server, session, over, ends, told } = sessionRig({
    openServer(_peer, { signal: given }) {
      signal = given;
      return opening.promise;
    },
  });
  client.say(request(1));
  await settled();
  session.end(new StoppingError());
  assert.deepEqual((await client.rest()).messages, [failure(1, STOPPED)]);
  assert(signal?.reason instanceof StoppingError);
  await settled();
  assert.deepEqual(told("session.closed"), []);
  opening.resolve(ends.server);
  await over;
  assert((await server.rest()).error instanceof DisconnectedError);
});

Deno.test("Session.end while a server opens is no fault when opening then fails", async () => {
  const opening = Promise.withResolvers<Channel>();
  const { client, session, over, told } = sessionRig({ openServer: () => opening.promise });
  client.say(request(1));
  await settled();
  session.end(new StoppingError());
  opening.reject(new BackendError("aborted"));
  await over;
  assert.equal(told("session.closed")[0]?.reason, "ended by the gateway");
});

Deno.test("Session.drained settles when the client's requests are answered", async () => {
  const { client, server, session } = sessionRig();
  await session.drained();
  client.say(request(1));
  await server.hear();
  let drained = false;
  const waiting = session.drained().then(() => drained = true);
  await settled();
  assert.equal(drained, false);
  server.say(result(1));
  await waiting;
});

Deno.test("Session ends when the server cannot be spoken to, and answers what is open", async () => {
  const rig = sessionRig({
    openServer: () =>
      Promise.resolve<Channel>({
        ...rig.ends.server,
        send() {
          throw new DisconnectedError("No server");
        },
      }),
  });
  rig.client.say(request(1));
  assert.deepEqual((await rig.client.rest()).messages, [failure(1, "No server", -32603)]);
  await rig.over;
});

Deno.test("Session ends when a send to the server rejects later", async () => {
  const rig = sessionRig({
    openServer: () =>
      Promise.resolve({ ...rig.ends.server, send: () => Promise.reject(new DisconnectedError("gone")) }),
  });
  rig.client.say(notification("into the void"));
  await rig.over;
  assert.equal(rig.told("session.closed")[0]?.reason, "the server is gone");
});

Deno.test("Session answers a request alone when sending it fails for another reason", async () => {
  let broken = true;
  const rig = sessionRig({
    openServer: () =>
      Promise.resolve<Channel>({
        ...rig.ends.server,
        send(envelope) {
          if (broken) throw new BackendError("The line is too long");
          return rig.ends.server.send(envelope);
        },
      }),
  });
  const { client, server } = rig;
  client.say(request(1));
  assert.deepEqual(await client.hear(), failure(1, "The line is too long", -32603));
  broken = false;
  client.say(request(1));
  assert.deepEqual(await server.hear(), request(1));
});

Deno.test("Session ends when what it says itself cannot be sent", async () => {
  const rig = sessionRig({
    policy({ direction }, next) {
      if (direction === "down") throw new StoppingError();
      return next();
    },
    openServer: () => Promise.resolve({ ...rig.ends.server, send: () => sent() }),
  });
  let sent = () => Promise.resolve();
  rig.client.say(notification());
  await settled();
  sent = () => Promise.reject(new DisconnectedError("gone"));
  rig.server.say(request("ask"));
  await rig.over;
  assert.equal(rig.told("session.closed")[0]?.reason, "the server is gone");
});

Deno.test("Session frees both sides even when closing one fails", async () => {
  const rig = sessionRig({
    openServer: () =>
      Promise.resolve({ ...rig.ends.server, close: () => Promise.reject(new Error("no close")) }),
  });
  rig.client.say(notification("a"));
  await rig.server.hear();
  await rig.client.leave();
  await rig.over;
  assert((await rig.server.rest()).error instanceof DisconnectedError);
  assert.deepEqual(rig.told("fault").map(({ where }) => where), ["end of session"]);
});

Deno.test("Session reads no further from the server while the client has no room", async () => {
  let read = 0;
  const chatter = new Queue<Envelope>();
  for (let said = 0; said < 1000; said++) void chatter.push({ message: notification() });
  chatter.end();
  const incoming = heard(chatter, {
    hear(envelope) {
      read++;
      return envelope;
    },
  });
  const rig = sessionRig({ openServer: () => Promise.resolve({ ...rig.ends.server, incoming }) });
  rig.client.say(notification());
  await settled();
  assert(read < 100, `${read} messages were read`);
  await rig.client.leave();
  await rig.over;
});

Deno.test("Session holds the client back while the server has no room, and is freed all the same", async () => {
  const room = Promise.withResolvers<void>();
  let sent = 0;
  const rig = sessionRig({
    openServer: () =>
      Promise.resolve<Channel>({
        ...rig.ends.server,
        send() {
          sent++;
          return room.promise;
        },
        [Symbol.asyncDispose]() {
          room.resolve();
          return rig.ends.server[Symbol.asyncDispose]();
        },
      }),
  });
  rig.client.say(request(1), request(2));
  await settled();
  assert.equal(sent, 1);
  rig.session.end(new StoppingError());
  // The second one, too, which the session had not come to: each request gets its answer.
  assert.deepEqual((await rig.client.rest()).messages, [failure(1, STOPPED), failure(2, STOPPED)]);
  await rig.over;
});

Deno.test("Session notices a client that leaves while the server does not read", async () => {
  const [, end] = memoryChannels();
  const stuck: Channel = { ...end, incoming: end.incoming, send: () => new Promise<void>(() => {}) };
  const gone = new AbortController();
  const { client, over, events } = sessionRig({
    peer: { session: "s1", wire: "sse", scope: "session", gone },
    openServer: () => Promise.resolve(stuck),
  });
  client.say(request(1, "tools/call"));
  await settled();
  gone.abort(new DisconnectedError("The client closed its event stream"));
  await over;
  const closed = events.find(({ type }) => type === "session.closed");
  assert(closed?.type === "session.closed");
  assert.equal(closed.reason, "the client's side is over");
});

Deno.test("Session answers what its client had sent already when the server cannot be opened", async () => {
  const { client, over } = sessionRig({
    openServer: () => Promise.reject(new BackendError("The MCP server could not be started")),
  });
  client.say(request(1), request("2"), notification("lost"), request(3));
  const { messages } = await client.rest();
  const why = "The MCP server could not be started";
  assert.deepEqual(messages, [1, "2", 3].map((id) => failure(id, why, -32603)));
  await over;
});

Deno.test("Session answers a request that lasts by its end, where it ends in good order, and waits for none", async () => {
  const listen = request("L", "subscriptions/listen");
  const end = result("L", {
    resultType: "complete",
    _meta: { "io.modelcontextprotocol/subscriptionId": "L" },
  });
  for (const how of ["stop", "half-close", "failure"] as const) {
    const { client, server, session, over } = sessionRig();
    client.say(listen);
    await server.hear();
    await session.drained();
    assert.deepEqual(session.openCalls, []);
    if (how === "stop") session.end(new StoppingError());
    else if (how === "half-close") await client.close();
    else await server.leave();
    const { messages } = await client.rest();
    await over;
    if (how === "failure") assert("error" in (messages[0] ?? {}), JSON.stringify(messages));
    else assert.deepEqual(messages, [end], how);
  }
});
