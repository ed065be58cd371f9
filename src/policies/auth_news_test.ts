import assert from "node:assert/strict";
import type { Peer } from "../core/backend.ts";
import type { Envelope } from "../core/channel.ts";
import { parseMessage } from "../core/message/parse.ts";
import { authNews } from "./auth_news.ts";

const PEER: Peer = { session: "s1", wire: "stdio", scope: "session" };
const NEWS = { kinds: ["apiKey"], required: true };

function passed(text: string, method: string, direction: "up" | "down" = "down"): string | undefined {
  const envelope: Envelope = { message: parseMessage(text), text };
  let through = false;
  authNews(NEWS)({ peer: PEER, direction, envelope, method }, () => void (through = true));
  assert(through);
  return envelope.text;
}

Deno.test("authNews tells in the answer to the handshake how to prove who one is, and keeps what it says", () => {
  const text = '{"jsonrpc":"2.0","id":1,"result":{"large":12345678901234567890,"_meta":{"a":1.0}}}';
  assert.equal(
    passed(text, "initialize"),
    '{"jsonrpc":"2.0","id":1,"result":{"large":12345678901234567890,' +
      '"_meta":{"a":1.0,"keystone/auth":{"kinds":["apiKey"],"required":true}}}}',
  );
  const bare = '{"jsonrpc":"2.0","id":1,"result":{}}';
  assert.match(passed(bare, "initialize") ?? "", /"result":\{"_meta":\{"keystone\/auth":/);
});

Deno.test("authNews leaves every other message as it is", () => {
  for (
    const [text, method, direction] of [
      ['{"jsonrpc":"2.0","id":1,"result":{}}', "tools/call", "down"],
      ['{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}', "initialize", "down"],
      ['{"jsonrpc":"2.0","id":1,"method":"initialize"}', "initialize", "up"],
    ] as const
  ) {
    assert.equal(passed(text, method, direction), text);
  }
});
