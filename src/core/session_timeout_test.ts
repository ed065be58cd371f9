import assert from "node:assert/strict";
import { settled } from "../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../tests/support/messages.ts";
import { sessionRig } from "../../tests/support/session_rig.ts";

const TIMEOUT_MS = 20;

function timedOut(id: number, method = "tools/call") {
  return failure(id, `The server did not answer "${method}" within ${TIMEOUT_MS} ms`, -32001);
}

Deno.test("Session answers a request that takes too long, and cancels it at the server", async () => {
  const { client, server, told } = sessionRig({ requestTimeoutMs: TIMEOUT_MS });
  client.say(request(1));
  assert.deepEqual(await server.hear(), request(1));
  const answer = timedOut(1);
  assert.deepEqual(await client.hear(), answer);
  assert.deepEqual(
    await server.hear(),
    notification("notifications/cancelled", { requestId: 1, reason: answer.error.message }),
  );
  assert.deepEqual(told("request.finished").map(({ outcome }) => outcome), ["timeout"]);
});

Deno.test("Session drops the answer that comes after the timeout", async () => {
  const { client, server, drops } = sessionRig({ requestTimeoutMs: TIMEOUT_MS });
  client.say(request(1));
  assert.deepEqual(await client.hear(), timedOut(1));
  server.say(result(1), notification("next"));
  assert.deepEqual(await client.hear(), notification("next"));
  assert.deepEqual(drops(), ["it answers no open request"]);
});

Deno.test("Session never cancels initialize", async () => {
  const { client, server } = sessionRig({ requestTimeoutMs: TIMEOUT_MS });
  client.say(request(1, "initialize"));
  assert.deepEqual(await client.hear(), timedOut(1, "initialize"));
  await client.close();
  assert.deepEqual((await server.rest()).messages, [request(1, "initialize")]);
});

Deno.test("Session sends nothing to a server of a request that timed out before it was open", async () => {
  const opening = Promise.withResolvers<void>();
  const rig = sessionRig({
    requestTimeoutMs: TIMEOUT_MS,
    openServer: () => opening.promise.then(() => rig.ends.server),
  });
  const { client, server, drops } = rig;
  client.say(request(1));
  assert.deepEqual(await client.hear(), timedOut(1));
  opening.resolve();
  client.say(notification("next"));
  assert.deepEqual(await server.hear(), notification("next"));
  assert.deepEqual(drops(), ["its request was answered meanwhile"]);
});

Deno.test("Session leaves no timer behind, whoever ends it", async () => {
  for (const end of ["answer", "client", "server"] as const) {
    const { client, server, over } = sessionRig({ requestTimeoutMs: 600_000 });
    client.say(request(1));
    await server.hear();
    if (end === "answer") server.say(result(1));
    await (end === "server" ? server : client)[end === "answer" ? "close" : "leave"]();
    await over;
  }
  await settled();
});
