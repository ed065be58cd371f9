/** What a reader that is looser than ours finds in what a shared modern server is told: exactly what we meant. */
import assert from "node:assert/strict";
import { assertUnambiguous, Attacks } from "../../../tests/support/loose_attacks.ts";
import { modern, modernServerRig, REQUEST_META } from "../../../tests/support/modern_server_rig.ts";
import { result } from "../../../tests/support/messages.ts";
import { randomSeed } from "../../../tests/support/random.ts";
import { type Envelope, memoryChannels } from "../../core/channel.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { MetaKey, metaOf } from "../../core/mcp/request_meta.ts";
import { isRequest, isResponse, type RequestId } from "../../core/message/jsonrpc.ts";
import { parseMessage } from "../../core/message/parse.ts";

const PATHS = [
  ["jsonrpc"],
  ["id"],
  ["method"],
  ["result"],
  ["error"],
  ["params", "requestId"],
  ["params", "progressToken"],
  ["params", "_meta", "progressToken"],
  ...Object.values(MetaKey).map((key) => ["params", "_meta", key]),
];
/** What would be for all clients of the server. */
const REFUSED = ["initialize", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

Deno.test("ModernServer tells its server nothing that a looser reader takes for something else", async () => {
  const seed = randomSeed();
  const methods = ["subscriptions/listen", "notifications/initialized", ...REFUSED];
  const attacks = new Attacks(seed, { methods, metaNames: Object.values(MetaKey), meta: REQUEST_META });
  const heard: Envelope[] = [];
  const [server, serverEnd] = memoryChannels();
  const { shared } = modernServerRig({
    server: { ...serverEnd, send: (envelope) => void heard.push(envelope) },
    incoming: serverEnd.incoming,
    maxBufferedMessages: 1e6,
    maxBufferedBytes: 1e9,
  });
  const [victim, attacker] = [shared.join(), shared.join()];
  await victim.send({ message: modern(1, "tools/call", { progressToken: 1 }) });
  const open: RequestId[] = [];
  let count = 0;
  for (let round = 0; round < 8_000; round++) {
    const text = attacks.text();
    heard.length = 0;
    await attacker.send({ message: parseMessage(text), text });
    for (const envelope of heard) {
      const where = `seed ${seed}: of ${text}`;
      count++;
      assertUnambiguous(envelope, where, PATHS);
      const { message } = envelope;
      assert(!isResponse(message) && !REFUSED.includes(message.method), where);
      assert.notEqual(message.method, "notifications/progress", where);
      const meta = metaOf(message);
      // A server of both eras knows each for a message of this one.
      assert(meta?.[MetaKey.revision] !== undefined && !(MetaKey.subscription in meta), where);
      if (!isRequest(message)) {
        assert.notEqual(cancelledId(message), 1, where);
        assert(meta.progressToken === undefined || meta.progressToken === null, where);
        continue;
      }
      assert(typeof message.id === "number" && message.id > 1, where);
      assert(!message.method.startsWith("notifications/"), where);
      const token = meta.progressToken;
      assert(token === undefined || token === null || token === message.id, where);
      open.push(message.id);
      // Some stay open, to be cancelled, and some ids are free again.
      if (open.length > 3) await server.send({ message: result(open.shift() ?? "") });
      await Promise.resolve();
    }
  }
  assert(count > 150, `only ${count} messages were heard with seed ${seed}`);
});
