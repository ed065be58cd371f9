import assert from "node:assert/strict";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { Envelope } from "../core/channel.ts";
import { encodeEvent, encodeMessage, encodePriming, KEEP_ALIVE_COMMENT } from "./sse.ts";
import { request } from "../../tests/support/messages.ts";

/** What a client reads from a stream. */
function parsed(text: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  parser.feed(text);
  return events;
}

Deno.test("encodeEvent writes an event that a client reads back", () => {
  assert.equal(encodeEvent({ event: "endpoint", data: "/m?id=1" }), "event: endpoint\ndata: /m?id=1\n\n");
  assert.deepEqual(parsed(encodeEvent({ event: "endpoint", data: " /m: " })), [
    { id: undefined, event: "endpoint", data: " /m: " },
  ]);
});

Deno.test("encodeMessage makes one event of one message, whatever lines its text has", () => {
  const message = request(1, "tools/call", { text: "two\nlines\r\nand \u2028" });
  const pretty = JSON.stringify(message, null, 2);
  const envelopes: Envelope[] = [
    { message },
    { message, text: JSON.stringify(message) },
    { message, text: pretty },
    { message, text: pretty.replaceAll("\n", "\r\n") },
    { message, text: pretty.replaceAll("\n", "\r") },
  ];
  for (const envelope of envelopes) {
    const [event, ...more] = parsed(encodeMessage(envelope));
    assert.equal(event?.event, "message");
    assert.deepEqual(JSON.parse(event?.data ?? ""), message);
    assert.deepEqual(more, []);
  }
});

Deno.test("encodeMessage hands on the text as it came when it is one line", () => {
  const [event] = parsed(encodeMessage({ message: request(1), text: '{ "as": "it came" }' }));
  assert.equal(event?.data, '{ "as": "it came" }');
});

Deno.test("KEEP_ALIVE_COMMENT is no event, and does no harm between two", () => {
  const event = encodeMessage({ message: request(1) });
  assert.deepEqual(parsed(KEEP_ALIVE_COMMENT), []);
  assert.equal(parsed(event + KEEP_ALIVE_COMMENT + event).length, 2);
});

Deno.test("encodeEvent and encodePriming say from where a client can resume", () => {
  const named = encodeEvent({ event: "message", data: "{}", id: "a-1" });
  assert.deepEqual(parsed(named), [{ id: "a-1", event: "message", data: "{}" }]);
  assert.deepEqual(parsed(encodePriming("a-0", 1_000)), [{ id: "a-0", event: undefined, data: "" }]);
  const waits: number[] = [];
  createParser({ onRetry: (ms) => waits.push(ms) }).feed(encodePriming("a-0", 1_000));
  assert.deepEqual(waits, [1_000]);
});
