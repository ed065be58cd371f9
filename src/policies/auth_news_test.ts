import assert from "node:assert/strict";
import type { Envelope } from "../core/channel.ts";
import { parseMessage } from "../core/message/parse.ts";
import { authNews } from "./auth_news.ts";

const NEWS = { kinds: ["apiKey"], required: true };

function told(text: string): string | undefined {
  const envelope: Envelope = { message: parseMessage(text), text };
  authNews(NEWS)(envelope);
  return envelope.text;
}

Deno.test("authNews tells in the answer to the handshake how to prove who one is, and keeps what it says", () => {
  const text = '{"jsonrpc":"2.0","id":1,"result":{"large":12345678901234567890,"_meta":{"a":1.0}}}';
  assert.equal(
    told(text),
    '{"jsonrpc":"2.0","id":1,"result":{"large":12345678901234567890,' +
      '"_meta":{"a":1.0,"keystone/auth":{"kinds":["apiKey"],"required":true}}}}',
  );
  const bare = '{"jsonrpc":"2.0","id":1,"result":{}}';
  assert.match(told(bare) ?? "", /"result":\{"_meta":\{"keystone\/auth":/);
});

Deno.test("authNews leaves a refused handshake as it is", () => {
  const text = '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}';
  assert.equal(told(text), text);
});
