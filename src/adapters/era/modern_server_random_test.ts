/** Many clients at one modern server, who do what chance has them do: whatever one of them hears is its own. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { Failure } from "../../base/readable.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { modern, modernServerRig, REQUEST_META } from "../../../tests/support/modern_server_rig.ts";
import { cancelled, notification, result } from "../../../tests/support/messages.ts";
import { Random, randomSeed } from "../../../tests/support/random.ts";
import { type Channel, type Envelope, memoryChannels } from "../../core/channel.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import { MetaKey, metaOf } from "../../core/mcp/request_meta.ts";
import {
  isObject,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type Params,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { largeInteger } from "../../core/message/large_integer.ts";
import { parseMessage } from "../../core/message/parse.ts";

const LARGE = "12345678901234567890";
/** Few, so that clients have the same ones all the time. */
const IDS: readonly RequestId[] = [1, "1", 0, "", 2, "2", largeInteger(LARGE) ?? "", LARGE, "listen:0"];
const OWNER = "test/owner";

/** What a client has asked and not been answered. */
interface Asked {
  readonly listens: boolean;
  readonly token: RequestId | undefined;
  readonly logs: boolean;
}

/** A client that checks whatever it hears. */
class CheckedClient {
  readonly open = new Map<RequestId, Asked>();
  readonly #name: string;
  readonly #channel: Channel;
  readonly #where: string;
  heard = 0;
  left = false;
  /** The check that failed. */
  failure: Failure | undefined;

  constructor(name: string, channel: Channel, where: string) {
    this.#name = name;
    this.#channel = channel;
    this.#where = where;
    channel.incoming.read((envelope) => this.#hear(envelope), (failure) => this.failure ??= failure);
  }

  /** As from a wire, with its text. */
  say(message: JsonRpcMessage): void {
    const text = JSON.stringify(message);
    void this.#channel.send({ message: parseMessage(text), text });
  }

  ask(id: RequestId, asked: Asked): void {
    if (this.open.has(id)) return;
    this.open.set(id, asked);
    const meta = {
      [OWNER]: this.#name,
      ...(asked.token !== undefined && { progressToken: asked.token }),
      ...(asked.logs && { [MetaKey.logLevel]: "info" }),
    };
    this.say(modern(id, asked.listens ? Method.listen : Method.callTool, meta));
  }

  cancel(id: RequestId): void {
    this.open.delete(id);
    this.say(cancelled(id));
  }

  async leave(): Promise<void> {
    this.left = true;
    await this.#channel[Symbol.asyncDispose]();
  }

  #hear({ message, text, relatesTo }: Envelope): void {
    const where = `${this.#where}: ${this.#name} heard ${text}`;
    assert(!this.left && !isRequest(message) && text !== undefined, where);
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(message)), where);
    this.heard++;
    if (isResponse(message)) return this.#answered(message, relatesTo, where);
    const asked = relatesTo === undefined ? undefined : this.open.get(relatesTo);
    assert(asked, where);
    assert.equal(message.params?.[OWNER], this.#name, where);
    if (message.method === Method.logged) return assert(asked.logs, where);
    const progress = message.method === Method.progress;
    const named = progress ? message.params.progressToken : metaOf(message)?.[MetaKey.subscription];
    assert.equal(named, progress ? asked.token : relatesTo, where);
  }

  /** Once, and with what it has asked itself. */
  #answered(message: JsonRpcMessage, relatesTo: RequestId | undefined, where: string): void {
    assert("result" in message && isObject(message.result), where);
    assert.equal(message.id, relatesTo, where);
    const asked = this.open.get(message.id);
    assert(asked && this.open.delete(message.id), where);
    const { _meta: meta } = message.result;
    assert(isObject(meta) && meta[OWNER] === this.#name, where);
    if (asked.listens) assert.equal(meta[MetaKey.subscription], message.id, where);
  }
}

/** A server that says by chance what belongs to one of its requests. */
class ChanceServer {
  readonly open = new Map<RequestId, JsonRpcRequest>();
  readonly #random: Random;
  readonly #channel: Channel;
  readonly #where: string;
  cancelled = 0;
  failure: Failure | undefined;

  constructor(channel: Channel, random: Random, where: string) {
    this.#random = random;
    this.#channel = channel;
    this.#where = where;
    channel.incoming.read((envelope) => this.#hear(envelope), (failure) => this.failure = failure);
  }

  /** Also of what it has been told to leave, as long as it does not know it. */
  saySomething(): void {
    const all = [...this.open.values()];
    if (all.length === 0) return;
    const request = this.#random.pick(all);
    const { id, method } = request;
    const meta = {
      [OWNER]: metaOf(request)?.[OWNER],
      ...(method === Method.listen && { [MetaKey.subscription]: id }),
    };
    if (this.#random.chance(0.3)) return this.#answer(id, meta);
    const token = metaOf(request)?.progressToken;
    if (method === Method.listen) {
      return this.#say(Method.toolsChanged, { [OWNER]: meta[OWNER], _meta: meta });
    }
    if (token !== undefined) {
      this.#say(Method.progress, { progressToken: token, progress: 1, [OWNER]: meta[OWNER] });
    }
    // Nobody can be meant by this, and by the other one if several want to hear it.
    this.#say(Method.resourcesChanged, { [OWNER]: meta[OWNER] });
    if (metaOf(request)?.[MetaKey.logLevel]) {
      this.#say(Method.logged, { level: "info", [OWNER]: meta[OWNER] });
    }
  }

  answerAll(): void {
    for (const { id, params } of this.open.values()) {
      const { [OWNER]: owner } = isObject(params?._meta) ? params._meta : {};
      this.#answer(id, { [OWNER]: owner, [MetaKey.subscription]: id });
    }
  }

  #answer(id: RequestId, meta: Params): void {
    this.open.delete(id);
    this.#send(result(id, { resultType: "complete", _meta: meta }));
    // Too late for anybody.
    if (this.#random.chance(0.1)) this.#send(result(id, { resultType: "complete", _meta: meta }));
  }

  #say(method: string, params: Params): void {
    this.#send(notification(method, params));
  }

  #send(message: JsonRpcMessage): void {
    const text = JSON.stringify(message);
    void this.#channel.send({ message: parseMessage(text), text });
  }

  #hear({ message, text }: Envelope): void {
    const where = `${this.#where}: the server heard ${text}`;
    if (text !== undefined) assert.deepEqual(parseMessage(text), message, where);
    if (isRequest(message)) {
      assert(typeof message.id === "number" && !this.open.has(message.id), where);
      const token = metaOf(message)?.progressToken;
      assert(token === undefined || token === message.id, where);
      return void this.open.set(message.id, message);
    }
    const id = cancelledId(message);
    assert(id !== undefined && !isResponse(message), where);
    assert.equal(metaOf(message)?.[MetaKey.revision], REQUEST_META[MetaKey.revision], where);
    this.cancelled++;
    this.open.delete(id);
  }
}

/** Lets all be heard that was said: in memory nothing waits for longer. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

Deno.test("ModernServer gives each of many clients its own, whatever they and the server do", async () => {
  const seed = Number(Deno.env.get("MODERN_SEED") ?? randomSeed());
  const where = `MODERN_SEED=${seed}`;
  const random = new Random(seed);
  const [far, near] = memoryChannels();
  const { shared, told } = modernServerRig({ server: near, incoming: near.incoming });
  const server = new ChanceServer(far, random, where);
  let count = 0;
  const join = () => new CheckedClient(`client ${count++}`, shared.join(), where);
  const clients = Array.from({ length: 20 }, join);
  const gone: CheckedClient[] = [];

  for (let step = 0; step < 6_000; step++) {
    const at = random.below(clients.length);
    const client = clients[at];
    assert(client);
    for (const { failure } of [client, server]) if (failure) throw failure.error;
    const chance = random.next();
    // What was said before it takes something back is its own yet.
    if (chance >= 0.35 && chance < 0.43) await turn();
    if (chance < 0.35) {
      const token = random.chance(0.5) ? random.pick(IDS) : undefined;
      const listens = random.chance(0.3);
      client.ask(random.pick(IDS), { listens, token, logs: !listens && random.chance(0.03) });
    } else if (chance < 0.42 && client.open.size > 0) client.cancel(random.pick([...client.open.keys()]));
    else if (chance < 0.43) {
      await client.leave();
      gone.push(client);
      clients[at] = join();
    } else server.saySomething();
    if (random.chance(0.1)) await turn();
  }
  await settled();
  server.answerAll();
  await settled();

  assert.deepEqual(told("fault"), [], where);
  for (const { open } of clients) assert.equal(open.size, 0, where);
  const heard = [...clients, ...gone].reduce((sum, client) => sum + client.heard, 0);
  assert(heard > 500 && gone.length > 20 && server.cancelled > 100, `${where}: ${heard} were heard`);
  await shared[Symbol.asyncDispose]();
});
