import assert from "node:assert/strict";
import type { Envelope } from "../../core/channel.ts";
import { parseMessage } from "../../core/message/parse.ts";
import { withKnownKeys } from "./known_keys.ts";

function envelopeOf(text: string): Envelope {
  return { message: parseMessage(text), text };
}

function call(params: string, method = "tools/call"): string {
  return `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`;
}

/** The message and the text must say the same. */
function assertLeft(said: string, left: string): void {
  const envelope = withKnownKeys(envelopeOf(said));
  assert.deepEqual({ ...envelope }, envelopeOf(left), said);
}

Deno.test("withKnownKeys leaves alone what has no other keys, and what only looks like it", () => {
  const plain = [
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","method":"notifications/x","params":{"requestId":1,"progressToken":1}}',
    '{"jsonrpc":"2.0","id":1,"result":{"ID":2,"_META":{"progresstoken":1}}}',
    '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x","ID":1}}',
    call(
      '{"name":"x","arguments":{"ID":1,"_meta":{"progresstoken":1},"REQUESTID":2},"_meta":{"progressToken":1}}',
    ),
    call(
      '{"_meta":{"vendor/progressToken":1,"progressTokens":2,"progressToken":null},"metadata":{},"metà":1}',
    ),
    // Of other methods these keys are their own.
    call('{"URI":1,"Level":2,"TASK":3,"uri":4}', "x/y"),
    call('["progresstoken"]'),
    call('{"_meta":["progresstoken"]}'),
  ];
  for (const text of plain) {
    const envelope = envelopeOf(text);
    assert.equal(withKnownKeys(envelope), envelope, text);
  }
});

Deno.test("withKnownKeys leaves an envelope nothing but the keys of its kind", () => {
  const call = '{"jsonrpc":"2.0","id":1,"method":"m"';
  assertLeft(`${call},"ID":2,"Id":3,"trace":4,"Method":"x","PARAMS":{},"result":{},"error":{}}`, `${call}}`);
  const notification = '{"jsonrpc":"2.0","method":"m"';
  assertLeft(`${notification},"i\\u0044":2,"params":{}}`, `${notification},"params":{}}`);
  assertLeft(
    '{"jsonrpc":"2.0","id":1,"result":2,"Result":3,"params":{}}',
    '{"jsonrpc":"2.0","id":1,"result":2}',
  );
  assertLeft('{"error":{},"Error":1,"jsonrpc":"2.0","id":1}', '{"jsonrpc":"2.0","id":1,"error":{}}');
});

Deno.test("withKnownKeys leaves out what passes for a key that routes, in params and in _meta", () => {
  const spellings = [
    ...["progresstoken", "PROGRESSTOKEN", "progreſſToken", "progressTo\u212aen", "progress_token"],
    ...[
      "progress-token",
      "progressToken ",
      "progressToken\\u0000x",
      "\u200bprogressToken",
      "progre\\u0073sTOKEN",
    ],
    ...["REQUESTID", "requestİd", "request_id", "RequestId", "_META", "meta", "_Meta", "__meta"],
  ];
  for (const key of spellings) {
    assertLeft(call(`{"${key}":1,"name":"x"}`), call('{"name":"x"}'));
    assertLeft(call(`{"_meta":{"a":1,"${key}":1}}`), call('{"_meta":{"a":1}}'));
  }
});

Deno.test("withKnownKeys leaves out what passes for a key that sharing decides by", () => {
  const cases = [
    ["resources/subscribe", '"uri":"a"', '"URI":"b"'],
    ["resources/unsubscribe", '"uri":1', '"Urı":"b"'],
    ["logging/setLevel", '"level":"info"', '"LeVeL":"debug"'],
    ["tools/call", '"name":"x"', '"TAS\u212a":{}'],
  ];
  for (const [method, known, stray] of cases) {
    assertLeft(call(`{${known},${stray}}`, method), call(`{${known}}`, method));
  }
});

Deno.test("withKnownKeys leaves out a token that is none, or that no request has", () => {
  for (const odd of ["true", "{}", "[1]", "1e999"]) {
    assertLeft(call(`{"_meta":{"progressToken":${odd},"a":1}}`), call('{"_meta":{"a":1}}'));
  }
  const notification = (meta: string) => `{"jsonrpc":"2.0","method":"tools/call","params":{"_meta":${meta}}}`;
  assertLeft(notification('{"progressToken":1}'), notification("{}"));
});

Deno.test("withKnownKeys makes no prototype of a key", () => {
  const envelope = withKnownKeys(
    envelopeOf(call('{"__proto__":{"uri":"a"},"META":1}', "resources/subscribe")),
  );
  assert.equal(envelope.text, call('{"__proto__":{"uri":"a"}}', "resources/subscribe"));
  assert("params" in envelope.message && envelope.message.params?.uri === undefined);
});

Deno.test("withKnownKeys gives no text to what came without one", () => {
  const { message } = envelopeOf('{"jsonrpc":"2.0","id":1,"method":"m","ID":2}');
  assert.deepEqual(withKnownKeys({ message }), { message: { jsonrpc: "2.0", id: 1, method: "m" } });
});
