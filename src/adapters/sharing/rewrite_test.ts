import assert from "node:assert/strict";
import { type Envelope, textOf } from "../../core/channel.ts";
import { isNotification, isRequest, isResponse } from "../../core/message/jsonrpc.ts";
import { parseMessage } from "../../core/message/parse.ts";
import { withAnswerId } from "../../wire/answer_id.ts";
import { withReportedToken, withRequestId } from "./rewrite.ts";

function envelopeOf(text: string): Envelope {
  return { message: parseMessage(text), text };
}

function requested(text: string, id: number, token?: number): Envelope {
  const envelope = envelopeOf(text);
  assert(isRequest(envelope.message));
  return withRequestId(envelope, envelope.message, { id, token });
}

function answered(text: string, id: number | string): Envelope {
  const envelope = envelopeOf(text);
  assert(isResponse(envelope.message));
  return withAnswerId(envelope, envelope.message, id);
}

function reported(text: string, token: number | string): Envelope {
  const envelope = envelopeOf(text);
  assert(isNotification(envelope.message));
  return withReportedToken(envelope, envelope.message, token);
}

/** The message and the text must say the same. */
function assertText(envelope: Envelope, text: string): void {
  assert.equal(envelope.text, text);
  assert.deepEqual(envelope.message, JSON.parse(text));
}

Deno.test("withRequestId leaves everything but id and token as it was written", () => {
  const rest = `"method":"a\\u0062", "params":{"n":12345678901234567890, "a":1.0,`;
  assertText(
    requested(`{"id":"x", ${rest} "_meta":{"progressToken" : "t","id":"x"}}, "jsonrpc":"2.0"}`, 7, 8),
    `{"id":7, ${rest} "_meta":{"progressToken" : 8,"id":"x"}}, "jsonrpc":"2.0"}`,
  );
  assertText(
    requested('{"method":"m","params":{"id":1.0},"id":1,"jsonrpc":"2.0"}', 7),
    '{"method":"m","params":{"id":1.0},"id":7,"jsonrpc":"2.0"}',
  );
});

Deno.test("withAnswerId leaves everything but the id as it was written, in results and errors", () => {
  assertText(
    answered('{"jsonrpc":"2.0", "result":{"id":1,"n":9007199254740993,"e":1e2},"id":1 }', 'a"b'),
    '{"jsonrpc":"2.0", "result":{"id":1,"n":9007199254740993,"e":1e2},"id":"a\\"b" }',
  );
  assertText(
    answered('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no","data":1.0}}', 0),
    '{"jsonrpc":"2.0","id":0,"error":{"code":-1,"message":"no","data":1.0}}',
  );
});

Deno.test("withReportedToken leaves everything but the token as it was written", () => {
  const notification = '{"jsonrpc":"2.0","method":"notifications/progress"';
  assertText(
    reported(`${notification},"params":{"progress":1.0,"progressToken":3,"_meta":{"progressToken":3}}}`, ""),
    `${notification},"params":{"progress":1.0,"progressToken":"","_meta":{"progressToken":3}}}`,
  );
});

Deno.test("withAnswerId and its kin write the message anew where they are not sure of the text", () => {
  assertText(
    answered('{"jsonrpc":"2.0","id":1,"result":{},"\\u0069d":2}', 7),
    '{"jsonrpc":"2.0","id":7,"result":{}}',
  );
  const twice = '"params":{"_meta":{"progressToken":5}},"params":{"_meta":{"progressToken":1}}';
  assertText(
    requested(`{"jsonrpc":"2.0","id":1,"method":"m",${twice}}`, 7, 8),
    '{"jsonrpc":"2.0","id":7,"method":"m","params":{"_meta":{"progressToken":8}}}',
  );
});

Deno.test("withRequestId lets no token through that another reader might find", () => {
  const hidden = '{"_meta":{"progressToken":5},"_meta":{}}';
  assertText(
    requested(`{"jsonrpc":"2.0","id":1,"method":"m","params":${hidden}}`, 7),
    '{"jsonrpc":"2.0","id":7,"method":"m","params":{"_meta":{}}}',
  );
  assertText(
    requested('{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":null}}}', 7),
    '{"jsonrpc":"2.0","id":7,"method":"m","params":{"_meta":{"progressToken":null}}}',
  );
});

Deno.test("withAnswerId and its kin give no text to what came without one", () => {
  const { message } = envelopeOf('{"jsonrpc":"2.0","id":1,"result":{}}');
  assert(isResponse(message));
  const envelope = withAnswerId({ message }, message, 7);
  assert.equal(envelope.text, undefined);
  assert.equal(textOf(envelope), '{"jsonrpc":"2.0","id":7,"result":{}}');
});
