import assert from "node:assert/strict";
import { notification, request, result } from "../../../tests/support/messages.ts";
import { Queue } from "../../base/queue.ts";
import type { Envelope } from "../../core/channel.ts";
import { RequestError } from "../../core/errors.ts";
import { MessageIntake } from "./message_intake.ts";

Deno.test("MessageIntake answers requests beyond the allowance, drops notifications, and takes every answer", () => {
  const queue = new Queue<Envelope>();
  const answers: unknown[] = [];
  const dropped: string[] = [];
  const asked: number[] = [];
  let left = 2;
  const allowance = {
    refusal(count: number) {
      asked.push(count);
      if (left < count) return new RequestError("too fast", { status: 429, data: { retryAfterMs: 5 } });
      left -= count;
      return undefined;
    },
  };
  const intake = new MessageIntake(queue, {
    answer: (text) => void answers.push(JSON.parse(text)),
    overflow: () => assert.fail(),
  }, {
    ...{ side: "server", maxBufferedMessages: 100, maxBufferedBytes: 1_000_000, allowance },
    onRefused: ({ message }) => void dropped.push(message),
    onInvalid: () => undefined,
  });
  const say = (...messages: unknown[]) =>
    intake.take(JSON.stringify(messages.length === 1 ? messages[0] : messages));
  say(request(1), notification());
  assert.equal(queue.size, 2);
  say(request(2));
  say(notification());
  say(result(3));
  assert.equal(queue.size, 3);
  assert.deepEqual(answers, [
    { jsonrpc: "2.0", id: 2, error: { code: -32000, message: "too fast", data: { retryAfterMs: 5 } } },
  ]);
  assert.deepEqual(dropped, ["too fast"]);
  assert.deepEqual(asked, [2, 1, 1]);
});
