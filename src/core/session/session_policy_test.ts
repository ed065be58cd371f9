import assert from "node:assert/strict";
import { Deadlines } from "../deadlines.ts";
import { GatewayError, RequestError, StoppingError } from "../errors.ts";
import type { Direction } from "../events.ts";
import type { MessageContext, MessagePolicy } from "../policy.ts";
import { isNotification, isRequest, isResponse, type JsonRpcMessage } from "../message/jsonrpc.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { sessionRig } from "../../../tests/support/session_rig.ts";

type Guard = (message: JsonRpcMessage) => boolean;

const REFUSAL = new RequestError("Not allowed here");

/** Refuses what goes this way and is of this kind: at once, later, or only after it was passed on. */
function refusing(
  when: "at once" | "later" | "after next",
  direction: Direction,
  kind: Guard,
): MessagePolicy {
  return (context, next) => {
    if (context.direction !== direction || !kind(context.envelope.message)) return next();
    if (when === "later") return Promise.reject(REFUSAL);
    if (when === "after next") next();
    throw REFUSAL;
  };
}

/** Holds what is of this kind until it is let go. */
function holding(kind: Guard) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const policy: MessagePolicy = ({ envelope }, next) => kind(envelope.message) ? promise.then(next) : next();
  return { policy, letGo: resolve };
}

const refusalOf = (id: number) => failure(id, REFUSAL.message);

for (const when of ["at once", "later", "after next"] as const) {
  Deno.test(`Session answers a client's request that a policy refuses ${when}, once`, async () => {
    const { client, server, over } = sessionRig({ policy: refusing(when, "up", isRequest) });
    client.say(request(1), notification("next"));
    const heard = [await server.hear()];
    if (when === "after next") heard.push(await server.hear());
    assert.deepEqual(heard.at(-1), notification("next"));
    server.say(result(1));
    await client.close();
    assert.deepEqual((await client.rest()).messages, [refusalOf(1)]);
    await over;
  });

  Deno.test(`Session answers a server's request that a policy refuses ${when}, once`, async () => {
    const { client, server } = sessionRig({ policy: refusing(when, "down", isRequest) });
    client.say(notification());
    await server.hear();
    server.say(request(1), notification("next"));
    assert.deepEqual(await server.hear(), refusalOf(1));
    if (when === "after next") assert.deepEqual(await client.hear(), request(1));
    assert.deepEqual(await client.hear(), notification("next"));
    client.say(result(1), notification("end"));
    assert.deepEqual(await server.hear(), notification("end"));
  });

  Deno.test(`Session gives the client one answer when a policy refuses the server's ${when}`, async () => {
    const { client, server, over } = sessionRig({ policy: refusing(when, "down", isResponse) });
    client.say(request(1));
    await server.hear();
    server.say(result(1));
    await client.close();
    const expected = when === "after next" ? result(1) : refusalOf(1);
    assert.deepEqual((await client.rest()).messages, [expected]);
    await over;
  });

  Deno.test(`Session gives the server one answer when a policy refuses the client's ${when}`, async () => {
    const { client, server } = sessionRig({ policy: refusing(when, "up", isResponse) });
    client.say(notification());
    await server.hear();
    server.say(request(1));
    await client.hear();
    client.say(result(1), notification("end"));
    assert.deepEqual(await server.hear(), when === "after next" ? result(1) : refusalOf(1));
    assert.deepEqual(await server.hear(), notification("end"));
  });
}

Deno.test("Session drops a notification that a policy refuses, with an event, in each direction", async () => {
  const refuseX = ({ envelope: { message } }: MessageContext, next: () => Promise<void> | void) => {
    if (isNotification(message) && message.method === "x") throw REFUSAL;
    return next();
  };
  const { client, server, told } = sessionRig({ policy: refuseX });
  client.say(notification("x"), notification("up"));
  assert.deepEqual(await server.hear(), notification("up"));
  server.say(notification("x"), notification("down"));
  assert.deepEqual(await client.hear(), notification("down"));
  const drops = told("message.dropped").map(({ direction, reason }) => [direction, reason]);
  assert.deepEqual(drops, [["up", REFUSAL.message], ["down", REFUSAL.message]]);
});

Deno.test("Session tells its policies who speaks, which way and what", async () => {
  const seen: unknown[] = [];
  const { client, server } = sessionRig({
    policy({ peer, direction, envelope }, next) {
      seen.push([peer.session, direction, envelope.message]);
      return next();
    },
  });
  client.say(request(1));
  await server.hear();
  server.say(result(1));
  await client.hear();
  assert.deepEqual(seen, [["s1", "up", request(1)], ["s1", "down", result(1)]]);
});

Deno.test("Session hides what a policy broke on from the client and tells observers", async () => {
  const broken = new TypeError("x is undefined");
  const { client, told } = sessionRig({
    policy() {
      throw broken;
    },
  });
  client.say(request(1));
  assert.deepEqual(await client.hear(), failure(1, "Internal error", -32603));
  assert.deepEqual(told("fault").map(({ error }) => error), [broken]);
});

Deno.test("Session tells no fault of a refusal", async () => {
  const { client, told } = sessionRig({ policy: () => Promise.reject(new GatewayError("no")) });
  client.say(request(1));
  await client.hear();
  assert.deepEqual(told("fault"), []);
});

Deno.test("Session waits for an answer that a policy holds when the client says no more", async () => {
  const { policy, letGo } = holding(isResponse);
  const { client, server, over } = sessionRig({ policy });
  client.say(request(1));
  await client.close();
  await server.hear();
  server.say(result(1));
  await settled();
  letGo();
  assert.deepEqual((await client.rest()).messages, [result(1)]);
  await over;
});

Deno.test("Session answers a request whose answer a policy holds when it ends, and drops that answer", async () => {
  const { policy, letGo } = holding(isResponse);
  const { client, server, session, over, drops } = sessionRig({ policy });
  client.say(request(1));
  await server.hear();
  server.say(result(1));
  await settled();
  session.end(new StoppingError());
  assert.deepEqual((await client.rest()).messages, [failure(1, "The gateway is shutting down")]);
  letGo();
  await over;
  assert.deepEqual(drops(), ["its request was answered meanwhile"]);
});

Deno.test("Session sends nothing of a request that timed out while a policy held it", async () => {
  const { policy, letGo } = holding(isRequest);
  using deadlines = new Deadlines({ requestTimeoutMs: 10 });
  const { client, server } = sessionRig({ policy, deadlines });
  client.say(request(1, "initialize"), notification("next"));
  const answer = await client.hear();
  assert("error" in answer && answer.error.code === -32001);
  letGo();
  assert.deepEqual(await server.hear(), notification("next"));
});

Deno.test("Session tells its policies what its handshake came to, once the answer is handed over", async () => {
  const seen: (string | undefined)[] = [];
  const { client, server } = sessionRig({
    policy({ direction, negotiated }, next) {
      const { revision, client, server } = negotiated ?? {};
      seen.push([direction, revision, client?.name, server?.name].join(" "));
      return next();
    },
  });
  client.say(request(1, "initialize", { clientInfo: { name: "inspector" } }));
  await server.hear();
  server.say(result(1, { protocolVersion: "2025-06-18", serverInfo: { name: "files" } }));
  await client.hear();
  client.say(notification("notifications/initialized"));
  await server.hear();
  assert.deepEqual(seen, ["up   ", "down   ", "up 2025-06-18 inspector files"]);
});

Deno.test("Session has agreed on nothing while the handshake is refused, nor for a request that stands alone", async () => {
  const answers = [failure(1), result(2, { protocolVersion: "2025-06-18" })] as const;
  for (const scope of ["session", "request"] as const) {
    const revisions: (string | undefined)[] = [];
    const { client, server } = sessionRig({
      peer: { session: "s1", wire: "streamableHttp", scope },
      policy({ negotiated }, next) {
        revisions.push(negotiated?.revision);
        return next();
      },
    });
    for (const answer of answers) {
      client.say(request(answer.id ?? 0, "initialize"));
      await server.hear();
      server.say(answer);
      await client.hear();
    }
    client.say(notification("last"));
    await server.hear();
    const last = scope === "session" ? "2025-06-18" : undefined;
    assert.deepEqual(revisions, [undefined, undefined, undefined, undefined, last]);
  }
});
