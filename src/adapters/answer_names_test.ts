import assert from "node:assert/strict";
import type { Envelope } from "../core/channel.ts";
import { isResponse, type JsonRpcMessage, type RequestId } from "../core/message/jsonrpc.ts";
import { parseMessage } from "../core/message/parse.ts";
import { Table } from "../base/table.ts";
import { cancelled, failure, notification, request, result } from "../../tests/support/messages.ts";
import { FakeBackend, LAUNCH } from "../../tests/support/fake_backend.ts";
import { FarEnd } from "../../tests/support/far_end.ts";
import { recorder } from "../../tests/support/recorder.ts";
import { AnswerNames, withAnswerNames } from "./answer_names.ts";

/** Names of answers while these requests are open. */
function rig({ open, shared = false }: { open: RequestId[]; shared?: boolean }) {
  const record = recorder();
  const names = new AnswerNames({ shared, session: "s1", server: "odd", emit: record.emit });
  const table = new Table<RequestId, { id: RequestId }>();
  for (const id of open) table.set(id, { id });
  const hear = (envelope: Envelope): Envelope => {
    assert(isResponse(envelope.message));
    return names.underRequestId(envelope, envelope.message, table);
  };
  return {
    names,
    oddities: () => record.told("server.odd").map(({ reason }) => reason),
    hear,
    /** The id under which this is heard. */
    idOf(message: JsonRpcMessage): RequestId | null {
      const heard = hear({ message }).message;
      return isResponse(heard) ? heard.id : assert.fail();
    },
  };
}

Deno.test("AnswerNames finds the request of an answer whose id has another type, and tells of it", () => {
  const { idOf, oddities } = rig({ open: [1, "7", "x", 1.5] });
  assert.equal(idOf(result("1")), 1);
  assert.equal(idOf(failure(7)), "7");
  assert.equal(idOf(result("1.5")), 1.5);
  assert.deepEqual(
    oddities(),
    ["number", "string", "number"].map((type) =>
      `it answers under ids of another type than it was asked with (${type})`
    ),
  );
});

Deno.test("AnswerNames leaves what is named as it was asked, and what nobody asked", () => {
  const { idOf, oddities } = rig({ open: [1, "1", 10, ""] });
  for (const id of [1, "1", "01", "1.0", "1e1", " 10", 2, "2", 0]) assert.equal(idOf(result(id)), id);
  assert.deepEqual(oddities(), []);
});

Deno.test("AnswerNames keeps the rest of the text as it came", () => {
  const { hear } = rig({ open: [1] });
  const heard = (text: string) => hear({ message: parseMessage(text), text });
  assert.deepEqual({ ...heard('{"result": {"n": 1915883588174806058}, "id": "1", "jsonrpc": "2.0"}') }, {
    message: result(1, { n: 1915883588174806058 }),
    text: '{"result": {"n": 1915883588174806058}, "id": 1, "jsonrpc": "2.0"}',
  });
  const error = '{"code":1,"message":"m","data":{"id":1915883588174806058}}';
  assert.equal(
    heard(`{"jsonrpc":"2.0","id":null,"error":${error}}`).text,
    `{"jsonrpc":"2.0","id":1,"error":${error}}`,
  );
});

Deno.test("AnswerNames writes a text anew in which there is no place for an id", () => {
  const { hear } = rig({ open: [1] });
  const text = '{"jsonrpc":"2.0","error":{"code":1,"message":"m","data":{"id":5}}}';
  const { message, text: written } = hear({ message: parseMessage(text), text });
  const expected = { jsonrpc: "2.0", error: { code: 1, message: "m", data: { id: 5 } }, id: 1 };
  assert.deepEqual(message, expected);
  assert.deepEqual(JSON.parse(written ?? ""), expected);
});

Deno.test("AnswerNames takes an error without an id for that of the only open request", () => {
  assert.equal(rig({ open: ["a"] }).idOf(failure(null)), "a");
  for (const open of [[], [1, 2]]) assert.equal(rig({ open }).idOf(failure(null)), null);
});

Deno.test("AnswerNames blames no client's request for what another one may have said", () => {
  const loose = [notification("notifications/x"), cancelled(5), result("asked")];
  for (const said of loose) {
    const { names, idOf } = rig({ open: [2], shared: true });
    names.sent(request(1));
    assert.equal(idOf(failure(null)), 2);
    names.sent(said);
    names.sent(request(2));
    assert.equal(idOf(failure(null)), null, JSON.stringify(said));
    idOf(result(1));
    assert.equal(idOf(failure(null)), null, "what was sent before it is answered says nothing");
    idOf(result("2"));
    assert.equal(idOf(failure(null)), 2, "what was sent after it is answered");
  }
});

Deno.test("AnswerNames need not think of others where one client speaks alone, nor of the handshake", () => {
  const alone = rig({ open: [2] });
  alone.names.sent(notification("notifications/x"));
  assert.equal(alone.idOf(failure(null)), 2);
  const shared = rig({ open: [2], shared: true });
  shared.names.sent(notification("notifications/initialized"));
  assert.equal(shared.idOf(failure(null)), 2);
});

Deno.test("withAnswerNames forgets a stream that its server ends, however it spells the id, and no call", async () => {
  const record = recorder();
  const backend = new FakeBackend();
  const named = withAnswerNames(backend, { shared: true, endsStreams: true, emit: record.emit });
  for (const ends of [5, "5"]) {
    const opening = named.open(LAUNCH, new AbortController().signal);
    const server = await backend.next();
    const client = new FarEnd(await opening);
    client.say(request(5, "subscriptions/listen"), request(6, "tools/call"));
    server.say(cancelled(ends), failure(null));
    assert.deepEqual([await client.hear(), await client.hear()], [cancelled(ends), failure(6)]);
    client.say(request(7, "tools/call"));
    server.say(cancelled(7), result("7"));
    assert.deepEqual([await client.hear(), await client.hear()], [cancelled(7), result(7)]);
  }
});
