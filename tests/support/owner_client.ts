/**
 * A client that shares a server with others and does what comes to its mind. It holds everything that reaches it
 * against what it has asked for: each call carries a secret, and nobody else's secret may come back.
 */
import assert from "node:assert/strict";
import type { ClientKind } from "../../src/adapters/sharing/shared_client.ts";
import type { Channel } from "../../src/core/channel.ts";
import {
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type RequestId,
} from "../../src/core/message/jsonrpc.ts";
import { LOG_LEVELS } from "./log_levels.ts";
import { cancelled, notification, request, result } from "./messages.ts";
import { pulled } from "./pulled.ts";
import type { Random } from "./random.ts";

const URIS = ["file:///a", "file:///b", "file:///c"];
const SECRETS_ARE = /^(updated|message)$/;

/** A request that is not answered yet, or was taken back. */
interface Open {
  readonly method: string;
  readonly params: Params;
  readonly answered: PromiseWithResolvers<void>;
  /** What must have come before the answer. */
  readonly expects: Set<string>;
  progress: number;
  cancelled: boolean;
}

interface OwnerClientOptions {
  readonly name: string;
  readonly kind: ClientKind;
  readonly channel: Channel;
  readonly random: Random;
}

export class OwnerClient {
  readonly subscriptions = new Set<string>();
  /** Undefined until it has set one. */
  level: number | undefined;
  /** How many questions of the server it has got. */
  asked = 0;
  readonly #options: OwnerClientOptions;
  readonly #open = new Map<RequestId, Open>();
  readonly #questions = new Map<RequestId, unknown>();
  readonly #reading: Promise<void>;
  readonly #failed = Promise.withResolvers<never>();
  /** Uris of which an update may come: from the request to subscribe on to the answer to the one to unsubscribe. */
  readonly #watched = new Set<string>();
  #left = false;
  #failure: unknown;
  #secrets = 0;
  #numbers = 0;
  #changingLevel = false;

  constructor(options: OwnerClientOptions) {
    this.#options = options;
    this.#failed.promise.catch(() => {});
    this.#reading = this.#read();
  }

  /** Sends so many requests, and waits until each that was not taken back is answered. */
  async act(requests: number): Promise<void> {
    const { random } = this.#options;
    const maxOpen = random.pick([1, 4]);
    for (let sent = 0; sent < requests; sent++) {
      await this.#request();
      // Time for the server to begin with it, and perhaps to say something.
      if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve));
      if (random.chance(0.15)) await this.#cancelOne();
      while (this.#waiting().length >= maxOpen) {
        await this.#orFailure(Promise.race(this.#waiting().map(({ answered }) => answered.promise)));
      }
    }
    await this.settle();
  }

  async settle(): Promise<void> {
    await this.#orFailure(Promise.all(this.#waiting().map(({ answered }) => answered.promise)));
  }

  /** Says that it can be asked. */
  async introduce(): Promise<void> {
    await this.#send("initialize", { capabilities: { sampling: {}, elicitation: {}, roots: {} } });
    await this.settle();
  }

  /** Goes with everything that is still open. */
  async leave(): Promise<void> {
    this.#left = true;
    await this.#options.channel[Symbol.asyncDispose]();
    await this.#orFailure(this.#reading);
  }

  // --- what it does ---

  #request(): Promise<void> {
    const { random, kind } = this.#options;
    const secret = `${this.#options.name}#${++this.#secrets}`;
    const args = {
      secret,
      ...(random.chance(0.3) ? { delayMs: random.below(4) } : {}),
      ...(random.chance(0.3) ? { stubborn: true } : {}),
    };
    const dice = random.below(20);
    if (dice < 2 && kind === "session") return this.#subscribeOrNot(secret);
    if (dice < 3 && kind === "session" && !this.#changingLevel) return this.#setLevel();
    if (dice < 6) return this.#touch(args);
    if (dice < 8) return this.#log(args);
    // Whom a server means that asks for a cancelled call all the same, nobody can know.
    if (dice < 11) return this.#call("ask", { ...args, ...this.#question(), stubborn: false });
    if (dice < 14) return this.#call("progress", { ...args, steps: 1 + random.below(3) });
    return this.#call("work", args);
  }

  #question(): Params {
    const { random } = this.#options;
    const method = random.pick([
      "sampling/createMessage",
      "elicitation/create",
      "roots/list",
      "future/question",
    ]);
    return { method, ...(random.chance(0.2) ? { withdraw: true } : {}) };
  }

  #subscribeOrNot(secret: string): Promise<void> {
    const uri = this.#options.random.pick(URIS);
    // One at a time for a uri, or what is right would depend on the order of the answers.
    const busy = this.#waiting().some(({ params }) => params.uri === uri);
    if (busy) return this.#call("work", { secret });
    if (this.subscriptions.has(uri)) {
      this.#expectNoMore("touch");
      return this.#send("resources/unsubscribe", { uri });
    }
    this.#watched.add(uri);
    return this.#send("resources/subscribe", { uri });
  }

  #setLevel(): Promise<void> {
    this.#changingLevel = true;
    this.#expectNoMore("log");
    return this.#send("logging/setLevel", { level: this.#options.random.pick(LOG_LEVELS) });
  }

  /** What is on its way to the server may come after the change. */
  #expectNoMore(tool: string): void {
    for (const { params, expects } of this.#open.values()) if (params.name === tool) expects.clear();
  }

  #touch(args: { secret: string }): Promise<void> {
    const uri = this.#options.random.pick(URIS);
    const changing = this.#waiting().some(({ params }) => params.uri === uri);
    const expects = this.subscriptions.has(uri) && !changing ? [args.secret] : [];
    return this.#call("touch", { ...args, uri }, expects);
  }

  #log(args: { secret: string }): Promise<void> {
    const level = this.#options.random.below(LOG_LEVELS.length);
    const heard = this.level !== undefined && level >= this.level && !this.#changingLevel;
    return this.#call("log", { ...args, level: LOG_LEVELS[level] }, heard ? [args.secret] : []);
  }

  #call(name: string, args: Params, expects: string[] = []): Promise<void> {
    const progressToken = this.#nextId();
    const params = { name, arguments: args, _meta: { progressToken } };
    return this.#send("tools/call", params, { id: progressToken, expects });
  }

  async #send(
    method: string,
    params: Params,
    { id = this.#nextId(), expects = [] as string[] } = {},
  ): Promise<void> {
    const answered = Promise.withResolvers<void>();
    const open = { method, params, answered, expects: new Set(expects), progress: 0, cancelled: false };
    this.#open.set(id, open);
    await this.#say([request(id, method, params)]);
  }

  /** Everybody counts alike, and in three types. */
  #nextId(): RequestId {
    const number = Math.floor(++this.#numbers / 3) + 1;
    return [number, `${number}`, `a:${number}`][this.#numbers % 3] ?? number;
  }

  async #cancelOne(): Promise<void> {
    const calls = [...this.#open].filter(([, open]) => open.method === "tools/call" && !open.cancelled);
    if (calls.length === 0) return;
    const [id, open] = this.#options.random.pick(calls);
    open.cancelled = true;
    await this.#say([cancelled(id)]);
  }

  #waiting(): Open[] {
    return [...this.#open.values()].filter((open) => !open.cancelled);
  }

  #orFailure<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#failed.promise]);
  }

  // --- what it hears ---

  async #read(): Promise<void> {
    try {
      for await (const { message, text } of pulled(this.#options.channel.incoming)) {
        if (text !== undefined) assert.deepEqual(JSON.parse(text), message);
        const reply = this.#hear(message);
        if (reply) await this.#say(reply);
      }
    } catch (error) {
      this.#failure = error;
      this.#failed.reject(error);
    }
  }

  async #say(messages: readonly JsonRpcMessage[]): Promise<void> {
    // Once a check has failed, the channel is closed: the check says more than that.
    for (const message of messages) {
      if (this.#failure) throw this.#failure;
      // What was on its way when it left is still heard, and nobody is there to be told anything.
      if (this.#left) return;
      await this.#options.channel.send({ message });
    }
  }

  #hear(message: JsonRpcMessage): JsonRpcMessage[] | void {
    if (isResponse(message)) return this.#hearAnswer(message);
    return isRequest(message) ? this.#hearQuestion(message) : this.#hearNotification(message);
  }

  #hearAnswer(message: JsonRpcResponse): void {
    const open = message.id === null ? undefined : this.#open.get(message.id);
    assert(open && message.id !== null, `${this.#options.name} did not wait for ${JSON.stringify(message)}`);
    this.#open.delete(message.id);
    assert("result" in message, `${open.method}: ${JSON.stringify(message)}`);
    if (open.method === "tools/call" && !open.cancelled) this.#checkResult(open, message.result as Params);
    if (open.method === "resources/subscribe") this.subscriptions.add(String(open.params.uri));
    if (open.method === "resources/unsubscribe") {
      this.subscriptions.delete(String(open.params.uri));
      this.#watched.delete(String(open.params.uri));
    }
    if (open.method === "logging/setLevel") {
      this.#changingLevel = false;
      this.level = LOG_LEVELS.indexOf(String(open.params.level));
    }
    open.answered.resolve();
  }

  #checkResult({ params, expects, progress }: Open, value: Params): void {
    const args = params.arguments as Params;
    assert.equal(value.secret, args.secret, `${this.#options.name} got an answer of somebody else`);
    assert.deepEqual(
      [...expects],
      [],
      `${this.#options.name} missed what came before ${JSON.stringify(args)}`,
    );
    if (params.name === "progress") assert.equal(progress, args.steps);
    const reply = value.reply as { result?: Params } | undefined;
    if (reply?.result) {
      assert.equal(reply.result.secret, args.secret, "The question was answered by somebody else");
    }
  }

  #hearQuestion({ id, params = {} }: JsonRpcRequest): JsonRpcMessage[] {
    this.#checkOwn(params.secret);
    assert.equal(this.#options.kind, "session", "Without a session, nobody can be asked");
    this.asked++;
    this.#questions.set(id, params.secret);
    if (params.withdraw) return [];
    const progressToken = (params._meta as Params).progressToken;
    const steps = notification("notifications/progress", { progressToken, progress: 1 });
    // The second answer is one too many, and must get lost.
    return [steps, result(id, { secret: params.secret }), result(id, { secret: "twice" })];
  }

  #hearNotification({ method, params = {} }: JsonRpcNotification): void {
    const kind = method.slice(method.lastIndexOf("/") + 1);
    if (kind === "progress") return this.#hearProgress(params);
    if (SECRETS_ARE.test(kind)) return this.#hearPublic(kind, params);
    if (kind === "complete") return this.#checkOwn(params.elicitationId);
    assert.equal(kind, "cancelled", `${this.#options.name} heard ${method}`);
    assert.equal(this.#questions.get(params.requestId as RequestId), params.reason);
    this.#checkOwn(params.reason);
  }

  #hearProgress({ progressToken, progress, message }: Params): void {
    const open = this.#open.get(progressToken as RequestId);
    assert(open, `${this.#options.name} heard of progress with the token ${progressToken}`);
    assert.equal(message, (open.params.arguments as Params).secret, "Progress of somebody else");
    assert.equal(progress, ++open.progress);
  }

  /** Meant for all who want to hear of it. */
  #hearPublic(kind: string, { uri, secret, level, data }: Params): void {
    if (kind === "updated") {
      assert(this.#watched.has(String(uri)), `${this.#options.name} did not watch ${uri}`);
    } else if (!this.#changingLevel) {
      const wanted = this.level ?? Infinity;
      assert(
        LOG_LEVELS.indexOf(String(level)) >= wanted,
        `${this.#options.name} did not want to hear ${level}`,
      );
    }
    for (const { expects } of this.#open.values()) expects.delete(String(secret ?? data));
  }

  #checkOwn(secret: unknown): void {
    const [owner] = String(secret).split("#");
    assert.equal(owner, this.#options.name, `${this.#options.name} was told ${secret}`);
  }
}
