import assert from "node:assert/strict";
import type { FarEnd } from "../../../tests/support/far_end.ts";
import { cancelled, failure, notification, result } from "../../../tests/support/messages.ts";
import { modern, modernServerRig, ofStream, REQUEST_META } from "../../../tests/support/modern_server_rig.ts";
import { type Envelope, memoryChannels, textOf } from "../../core/channel.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";
import { isRequest, type Params, type RequestId } from "../../core/message/jsonrpc.ts";
import { largeInteger } from "../../core/message/large_integer.ts";
import { parseMessage } from "../../core/message/parse.ts";

const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

async function listens(client: FarEnd, server: FarEnd, id: RequestId): Promise<RequestId> {
  client.say(modern(id, "subscriptions/listen"));
  const message = await server.hear();
  assert(isRequest(message));
  return message.id;
}

function streamResult(id: RequestId, more: Params = {}) {
  return result(id, { resultType: "complete", _meta: { ...more, [MetaKey.subscription]: id } });
}

Deno.test("ModernServer brings each stream's notifications to its client alone, under the id that it has there", async () => {
  const { server, join } = modernServerRig();
  const clients = [join(), join(), join()];
  const ids: RequestId[] = ["L1", 1, "1"];
  const streams: RequestId[] = [];
  for (const [index, client] of clients.entries()) {
    streams.push(await listens(client, server, ids[index] ?? ""));
  }
  for (const stream of [...streams].reverse()) {
    server.say(ofStream(stream, ACKNOWLEDGED, { notifications: {} }), ofStream(stream));
  }
  for (const [index, client] of clients.entries()) {
    const id = ids[index] ?? "";
    for (const message of [ofStream(id, ACKNOWLEDGED, { notifications: {} }), ofStream(id)]) {
      const { message: heard, relatesTo } = await client.next();
      assert.deepEqual({ heard, relatesTo }, { heard: message, relatesTo: id });
    }
  }
});

Deno.test("ModernServer keeps several streams of one client apart", async () => {
  const { server, join } = modernServerRig();
  const client = join();
  const [one, other] = [await listens(client, server, 1), await listens(client, server, "1")];
  server.say(ofStream(other), ofStream(one));
  assert.deepEqual(await client.hear(), ofStream("1"));
  assert.deepEqual(await client.hear(), ofStream(1));
});

Deno.test("ModernServer understands a server that makes a text of a stream's id", async () => {
  const { server, join } = modernServerRig();
  const client = join();
  server.say(ofStream(`${await listens(client, server, "L1")}`));
  assert.deepEqual(await client.hear(), ofStream("L1"));
});

Deno.test("ModernServer answers a stream under the client's id, also in what the answer says of it", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  const info = { [MetaKey.server]: { name: "x", version: "1" } };
  const ended = await listens(client, server, "L1");
  server.say(streamResult(ended, info), ofStream(ended));
  const { message, relatesTo } = await client.next();
  assert.deepEqual({ message, relatesTo }, { message: streamResult("L1", info), relatesTo: "L1" });
  const refused = await listens(client, server, 2);
  server.say(failure(refused, "Subscription limit reached", -32603));
  assert.deepEqual(await client.hear(), failure(2, "Subscription limit reached", -32603));
  const bare = await listens(client, server, 3);
  server.say(result(bare, null));
  assert.deepEqual(await client.hear(), result(3, null));
  // Of another request it is only a number.
  client.say(modern(4));
  const other = await server.hear();
  assert(isRequest(other));
  server.say(streamResult(other.id));
  assert.deepEqual(await client.hear(), { ...streamResult(other.id), id: 4 });
  assert.deepEqual(drops(), ["it is of no open subscription"]);
});

Deno.test("ModernServer has a client end its stream, and brings it nothing of that any more", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  const stream = await listens(client, server, "L1");
  client.say(cancelled("L1"));
  assert.deepEqual(
    await server.hear(),
    notification("notifications/cancelled", { requestId: stream, _meta: REQUEST_META }),
  );
  server.say(ofStream(stream), streamResult(stream));
  const next = await listens(client, server, "L1");
  server.say(ofStream(next));
  assert.deepEqual(await client.hear(), ofStream("L1"));
  assert.deepEqual(drops(), ["it is of no open subscription", "it answers no open request"]);
});

Deno.test("ModernServer answers a stream that the server tears down by a cancellation alone", async () => {
  const { server, join, drops } = modernServerRig();
  const [client, other] = [join(), join()];
  const stream = await listens(client, server, "L1");
  other.say(modern(7));
  const call = await server.hear();
  assert(isRequest(call));
  const down = (id: unknown) =>
    ofStream(id, "notifications/cancelled", { requestId: id, reason: "shutting down" });
  server.say(down(stream));
  const told = await client.next();
  assert.deepEqual(told.message, down("L1"));
  assert.equal(told.relatesTo, "L1");
  assert.deepEqual(await client.hear(), streamResult("L1"));
  // Servers cancel nothing else.
  server.say(cancelled(call.id), cancelled(stream), streamResult(stream), result(call.id));
  assert.deepEqual(await other.hear(), result(7));
  const none = "it cancels what is no open subscription";
  assert.deepEqual(drops(), [none, none, "it answers no open request"]);
});

Deno.test("ModernServer drops what names no stream that is open, and what is logged for one", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  client.say(modern(1));
  const call = await server.hear();
  assert(isRequest(call));
  for (const odd of [call.id, 99, "L1", null, {}, true]) server.say(ofStream(odd));
  server.say(ofStream(await listens(client, server, "L1"), "notifications/message"));
  server.say(result(call.id));
  assert.deepEqual(await client.hear(), result(1));
  const none = Array.from({ length: 6 }, () => "it is of no open subscription");
  assert.deepEqual(drops(), [...none, "it logs for a stream, which has no log"]);
});

/** What a client that listens under this id gets when the server says this, in which `ID` is what the server knows. */
async function textAfter(id: RequestId, said: string): Promise<string> {
  const [server, serverEnd] = memoryChannels();
  const heard: Envelope[] = [];
  const { shared } = modernServerRig({
    server: { ...serverEnd, send: (envelope) => void heard.push(envelope) },
    incoming: serverEnd.incoming,
  });
  const client = shared.join();
  await client.send({ message: modern(id, "subscriptions/listen") });
  const [asked] = heard;
  assert(asked && isRequest(asked.message));
  const text = said.replaceAll("ID", `${asked.message.id}`);
  const got = new Promise<Envelope>((resolve) => client.incoming.read(resolve, () => {}));
  await server.send({ message: parseMessage(text), text });
  const envelope = await got;
  assert.deepEqual(JSON.parse(JSON.stringify(envelope.message)), JSON.parse(textOf(envelope)));
  return textOf(envelope);
}

Deno.test("ModernServer leaves everything but the ids of a stream as it was written", async () => {
  const begin =
    '{"jsonrpc":"2.0", "method":"notifications/resources/updated","params":{"n":12345678901234567890,';
  const key = "io.modelcontextprotocol/subscriptionId";
  assert.equal(
    await textAfter("L1", `${begin}"_meta": {"${key}" : ID,"x":1.0}}}`),
    `${begin}"_meta": {"${key}" : "L1","x":1.0}}}`,
  );
  const large = largeInteger("12345678901234567890");
  assert(large);
  assert.equal(
    await textAfter(large, `{"jsonrpc":"2.0","id" : ID,"result":{"n":1.0, "_meta":{"${key}":ID}}}`),
    `{"jsonrpc":"2.0","id" : ${large},"result":{"n":1.0, "_meta":{"${key}":${large}}}}`,
  );
});

Deno.test("ModernServer finds the id of a stream also where its key is spelled with escapes", async () => {
  const key = "io.modelcontextprotocol/subscriptionId";
  for (const spelled of [key.replace("/", "\\/"), key.replace("s", "\\u0073")]) {
    const text =
      `{"jsonrpc":"2.0","method":"notifications/x","params":{"a":{"${key}":7},"_meta":{"${spelled}":ID}}}`;
    assert.equal(
      await textAfter("L1", text),
      `{"jsonrpc":"2.0","method":"notifications/x","params":{"a":{"${key}":7},"_meta":{"${key}":"L1"}}}`,
    );
  }
});
