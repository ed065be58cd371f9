/** What a reader that is looser than ours finds in what a shared server is told: exactly what we meant. */
import assert from "node:assert/strict";
import { SUBSCRIPTIONS } from "../../../tests/support/limits.ts";
import { type Envelope, memoryChannels, textOf } from "../../core/channel.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { isRequest, isResponse, type RequestId, resultOf } from "../../core/message/jsonrpc.ts";
import { parseMessage } from "../../core/message/parse.ts";
import { lookUp, plain, READERS, readLoosely, type Value } from "../../../tests/support/loose_json.ts";
import { Random, randomSeed } from "../../../tests/support/random.ts";
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
/** Ids and tokens of other callers, as an attacker may guess them. */
const VICTIMS = [1, 2, "1", "asked"];

/** Messages as an attacker writes them. */
class Attacks {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** A text that we take for a message. */
  text(): string {
    while (true) {
      const text = this.#object([...this.#envelope(), ...this.#strays()]);
      try {
        parseMessage(text);
        return text;
      } catch {
        // One that is refused reaches no server.
      }
    }
  }

  #envelope(): string[] {
    const random = this.#random;
    const members = [this.#member("jsonrpc", '"2.0"')];
    const answers = random.chance(0.2);
    if (answers || random.chance(0.7)) members.push(this.#member("id", this.#victim()));
    if (answers) return [...members, this.#member("result", "{}")];
    members.push(this.#member("method", JSON.stringify(this.#method())));
    if (random.chance(0.9)) members.push(this.#member("params", this.#params()));
    return members;
  }

  #strays(): string[] {
    const names = ["id", "method", "params", "result", "error", "jsonrpc", "trace"];
    return this.#some(2, () => {
      const name = this.#random.pick(names);
      const value = name === "params" ? this.#params() : name === "method" ? '"ping"' : this.#victim();
      return this.#member(name, value);
    });
  }

  #params(): string {
    const names = ["progressToken", "requestId", "uri", "level", "task", "name", "arguments"];
    const members = this.#some(4, () => this.#member(this.#random.pick(names), this.#scalar()));
    const metas = this.#some(2, () => this.#member("_meta", this.#meta()));
    return this.#object([...members, ...metas, '"big":12345678901234567890']);
  }

  #meta(): string {
    if (this.#random.chance(0.1)) return this.#scalar();
    const names = ["progressToken", "requestId", "_meta", "vendor/key"];
    return this.#object(this.#some(3, () => this.#member(this.#random.pick(names), this.#scalar())));
  }

  #method(): string {
    const methods = [
      "tools/call",
      "notifications/cancelled",
      "notifications/progress",
      "notifications/x",
      "x/y",
      ...DECIDED,
    ];
    return this.#random.pick([...methods, "notifications/roots/list_changed"]);
  }

  #scalar(): string {
    return this.#random.chance(0.7)
      ? this.#victim()
      : this.#random.pick(["null", "true", "1.5", "1e999", "{}", "[]"]);
  }

  #victim(): string {
    return this.#random.pick(['"a"', ...VICTIMS.map((value) => JSON.stringify(value))]);
  }

  #some(most: number, make: () => string): string[] {
    return Array.from({ length: this.#random.below(most + 1) }, make);
  }

  #object(members: readonly string[]): string {
    const shuffled = members.map((member) => ({ member, place: this.#random.next() }))
      .sort((left, right) => left.place - right.place);
    return `{${shuffled.map(({ member }) => member).join(this.#random.pick([",", " ,\t"]))}}`;
  }

  #member(name: string, value: string): string {
    return `"${this.#spelled(name)}"${this.#random.pick([":", " : "])}${value}`;
  }

  /** Mostly as it is, so that there are messages at all. */
  #spelled(name: string): string {
    if (this.#random.chance(0.7)) return name;
    const letters = [...name].map((letter) => {
      const odd = { s: "ſ", k: "\u212a", i: "İ", I: "ı" }[letter];
      if (odd !== undefined && this.#random.chance(0.2)) return odd;
      if (this.#random.chance(0.1)) return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
      return this.#random.chance(0.2) ? letter.toUpperCase() : letter;
    });
    const around = this.#random.chance(0.2) ? this.#random.pick(["_", "-", "\\u0000x", "\u200b"]) : "";
    return letters.join("") + around;
  }
}

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

function shown(value: Value | undefined): string | undefined {
  return JSON.stringify(plain(value));
}

/** Every loose reader finds in the text what stands in the message, at each place that matters. */
function assertUnambiguous(envelope: Envelope, where: string): void {
  const { message } = envelope;
  const text = textOf(envelope);
  const [loose, meant] = [readLoosely(text), readLoosely(JSON.stringify(message))];
  const own = "method" in message ? OF_METHOD.get(message.method) : undefined;
  for (const path of own ? [...PATHS, own] : PATHS) {
    const expected = shown(lookUp(meant, path, { sameAs: (key) => key, takes: "last" }));
    for (const reader of READERS) {
      const found = shown(lookUp(loose, path, reader));
      assert.equal(found, expected, `${where}: ${path.join(".")} read ${reader.name} in ${text}`);
    }
  }
}

Deno.test("SharedServer tells its server nothing that a looser reader takes for something else", async () => {
  const seed = randomSeed();
  const attacks = new Attacks(seed);
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
  const attacks = new Attacks(seed);
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
