/** What a reader that is looser than ours finds in what a shared server is told: exactly what we meant. */
import assert from "node:assert/strict";
import { SUBSCRIPTIONS } from "../../../tests/support/limits.ts";
import { type Envelope, memoryChannels } from "../../core/channel.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { isRequest, isResponse, type RequestId, resultOf } from "../../core/message/jsonrpc.ts";
import { parseMessage } from "../../core/message/parse.ts";
import { assertUnambiguous as assertReadAlike, Attacks } from "../../../tests/support/loose_attacks.ts";
import { randomSeed } from "../../../tests/support/random.ts";
import { SharedServer } from "./shared_server.ts";

/** What messages find their way by, and what sharing decides by. */
const PATHS = [
  ["jsonrpc"],
  ["id"],
  ["method"],
  ["result"],
  ["error"],
  ["params", "requestId"],
  ["params", "progressToken"],
  ["params", "_meta", "progressToken"],
];
const OF_METHOD = new Map([
  ["tools/call", ["params", "task"]],
  ["resources/subscribe", ["params", "uri"]],
  ["resources/unsubscribe", ["params", "uri"]],
  ["logging/setLevel", ["params", "level"]],
]);
/** What is answered, refused or asked by ourselves. */
const DECIDED = [
  "initialize",
  "tasks/cancel",
  "resources/subscribe",
  "resources/unsubscribe",
  "logging/setLevel",
];
/** An attacker at a shared server where others wait, and the texts that the server gets from it. */
function attackedServer() {
  const [server, serverEnd] = memoryChannels();
  const heard: Envelope[] = [];
  const pretended = { ...serverEnd, send: (envelope: Envelope) => void heard.push(envelope) };
  const limits = { maxBufferedMessages: 1e6, maxBufferedBytes: 1e9, ...SUBSCRIPTIONS };
  const shared = new SharedServer({
    ...limits,
    server: pretended,
    incoming: serverEnd.incoming,
    initialized: { message: resultOf(0, { capabilities: {} }) },
    versions: [],
    session: "shared",
    emit: () => {},
  });
  const [victim, attacker] = [shared.join("session"), shared.join("session")];
  return {
    /** What the server hears when somebody says this. */
    async after(who: "victim" | "attacker", text: string): Promise<Envelope[]> {
      heard.length = 0;
      await { victim, attacker }[who].send({ message: parseMessage(text), text });
      return [...heard];
    },
    /** Has the server answer a request. */
    async answer(id: RequestId): Promise<void> {
      await server.send({ message: resultOf(id, {}) });
    },
    /** Has the server ask whoever of the two has a call open. */
    async ask(id: RequestId): Promise<void> {
      const question = { jsonrpc: "2.0" as const, id, method: "x/question" };
      await server.send({ message: question });
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

/** At each place that matters. */
function assertUnambiguous(envelope: Envelope, where: string): void {
  const { message } = envelope;
  const own = "method" in message ? OF_METHOD.get(message.method) : undefined;
  assertReadAlike(envelope, where, own ? [...PATHS, own] : PATHS);
}

Deno.test("SharedServer tells its server nothing that a looser reader takes for something else", async () => {
  const seed = randomSeed();
  const attacks = new Attacks(seed, { methods: DECIDED });
  let heard = 0;
  const open: RequestId[] = [];
  const { after, answer } = attackedServer();
  await after(
    "victim",
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":1}}}',
  );
  for (let round = 0; round < 8_000; round++) {
    const said = attacks.text();
    for (const envelope of await after("attacker", said)) {
      const where = `seed ${seed}: of ${said}`;
      heard++;
      assertUnambiguous(envelope, where);
      const { message } = envelope;
      assert(!isResponse(message), where);
      assert.notEqual(cancelledId(message), 1, where);
      if (isRequest(message)) {
        assert(typeof message.id === "number" && message.id > 1, where);
        assert(!message.method.startsWith("notifications/"), where);
      } else {
        assert.notEqual(message.method, "notifications/progress", where);
        assert(!DECIDED.includes(message.method), where);
      }
      const { _meta: meta } = message.params ?? {};
      const token = typeof meta === "object" && meta !== null && "progressToken" in meta &&
        meta.progressToken;
      assert(token === false || token === null || (isRequest(message) && token === message.id), where);
      if (isRequest(message)) open.push(message.id);
      // Some stay open, to be cancelled, and some ids are free again.
      if (open.length > 3) await answer(open.shift() ?? "");
    }
  }
  assert(heard > 800, `only ${heard} messages were heard with seed ${seed}`);
});

Deno.test("SharedServer passes no answer on that a looser reader takes for the answer to something else", async () => {
  const seed = randomSeed();
  const attacks = new Attacks(seed, { methods: DECIDED });
  let heard = 0;
  const { after, ask } = attackedServer();
  await after("attacker", '{"jsonrpc":"2.0","id":"call","method":"x/ask"}');
  for (let round = 0; heard < 500; round++) {
    const said = attacks.text();
    const message = parseMessage(said);
    if (!isResponse(message) || message.id === null) continue;
    await ask(message.id);
    for (const envelope of await after("attacker", said)) {
      heard++;
      assert(isResponse(envelope.message) && envelope.message.id === message.id);
      assertUnambiguous(envelope, `seed ${seed}: of ${said}`);
    }
  }
});
