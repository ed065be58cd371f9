import assert from "node:assert/strict";
import { isRequest, type JsonRpcError } from "../../core/message/jsonrpc.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { sharedServerRig } from "../../../tests/support/shared_server_rig.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";

const complete = (elicitationId: unknown) =>
  notification("notifications/elicitation/complete", { elicitationId });
const elicit = (id: string, elicitationId: unknown) =>
  request(id, "elicitation/create", { mode: "url", url: "https://example.com", elicitationId });

/** A client that can be asked, and another one; nothing is in flight. */
async function rigWithTwo() {
  const rig = sharedServerRig();
  const asked = rig.join();
  asked.say(request("i", "initialize", { capabilities: { elicitation: { url: {} } } }));
  await asked.next();
  rig.server.say(elicit("q", "e1"));
  await asked.next();
  asked.say(result("q", { action: "accept" }));
  await rig.server.next();
  return { ...rig, asked, other: rig.join() };
}

Deno.test("Elicitations tells of a completion whom it was asked of, also after the answer", async () => {
  const { server, asked, other, drops } = await rigWithTwo();
  server.say(complete("e2"), complete(1), complete("e1"));
  assert.deepEqual(await asked.hear(), complete("e1"));
  await other.leave();
  assert.deepEqual((await other.rest()).messages, []);
  assert.equal(drops().length, 2);
});

Deno.test("Elicitations forgets a client that leaves", async () => {
  const { server, asked, drops } = await rigWithTwo();
  await asked.leave();
  server.say(complete("e1"));
  await settled();
  assert.equal(drops().length, 1);
});

Deno.test("Elicitations remembers what an answer asks for before the request is tried again", async () => {
  const { server, other } = await rigWithTwo();
  other.say(request(1));
  const message = await server.hear();
  assert(isRequest(message));
  const elicitations = [{ mode: "url", elicitationId: "e7", url: "https://example.com" }, null, {}];
  const error = { code: -32042, message: "URL elicitation required", data: { elicitations } };
  const answer: JsonRpcError = { jsonrpc: "2.0", id: message.id, error };
  server.say(answer, complete("e7"));
  assert.deepEqual(await other.hear(), { ...answer, id: 1 });
  assert.deepEqual(await other.hear(), complete("e7"));
});

Deno.test("Elicitations remembers a thousand, and forgets the oldest", async () => {
  const { server, asked, other, drops } = await rigWithTwo();
  await other.leave();
  for (let index = 0; index < 1_000; index++) {
    server.say(elicit(`${index}`, `n${index}`));
    await asked.next();
  }
  server.say(complete("e1"), complete("n0"));
  assert.deepEqual(await asked.hear(), complete("n0"));
  assert.equal(drops().length, 1);
});

Deno.test("Elicitations takes odd errors for what they are", async () => {
  const { server, asked } = await rigWithTwo();
  for (const data of [undefined, null, 1, {}, { elicitations: {} }, { elicitations: [1, "x"] }]) {
    asked.say(request(1));
    const message = await server.hear();
    assert(isRequest(message));
    const error = { ...failure(1).error, code: -32042, data };
    server.say({ jsonrpc: "2.0", id: message.id, error });
    assert.deepEqual(await asked.hear(), { jsonrpc: "2.0", id: 1, error });
  }
});
