/**
 * A server that legacy clients speak to while nobody knows which era it speaks: it gets their handshake, as nearly every
 * server wants it. One that refuses that is asked whether it is of the other era, and translated for them if it is.
 */
import type { Backend, Launch } from "../../core/backend.ts";
import { asText, type Channel, type Envelope } from "../../core/channel.ts";
import { background, type Sink } from "../../core/events.ts";
import { isHandshake } from "../../core/mcp/messages.ts";
import {
  answersSole,
  isRequest,
  isResponse,
  type JsonRpcRequest,
  type JsonRpcResponse,
} from "../../core/message/jsonrpc.ts";
import type { Failure, Over, Readable, Take } from "../../base/readable.ts";
import { until } from "../../base/waiting.ts";
import type { ServerEra } from "./server_era.ts";

interface HandshakeFirstOptions {
  /** The same servers, for those of the modern era. */
  readonly translated: Backend;
  readonly era: ServerEra;
  readonly emit: Sink;
}

/** Opens servers for clients with a handshake, whichever era they turn out to speak. */
export function handshakeFirst(backend: Backend, options: HandshakeFirstOptions): Backend {
  const { translated, era } = options;
  return {
    name: backend.name,
    async open(launch, signal) {
      if (era.shakesHands === false) return await translated.open(launch, signal);
      const server = await backend.open(launch, signal);
      return era.shakesHands ? server : new UntriedChannel(server, { ...options, launch });
    },
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

/** What a client says before its handshake is answered is kept for another server, so many messages of it. */
const MAX_EARLY = 100;

class UntriedChannel implements Channel, Readable<Envelope> {
  readonly #options: HandshakeFirstOptions & { readonly launch: Launch };
  readonly #stop = new AbortController();
  #server: Channel;
  /** The handshake that is not answered, and what was said after it, as far as nothing has answered that. */
  #initialize: JsonRpcRequest | undefined;
  #early: Envelope[] = [];
  /** While it is found out what the server speaks; never rejects. */
  #deciding: Promise<boolean> | undefined;
  /** The server that has refused goes. */
  #freeing: Promise<void> | undefined;
  #isOver = false;
  #take: Take<Envelope> = () => {};
  #over: Over = () => {};

  constructor(server: Channel, options: HandshakeFirstOptions & { readonly launch: Launch }) {
    this.#server = server;
    this.#options = options;
  }

  get incoming(): Readable<Envelope> {
    return this;
  }

  read(take: Take<Envelope>, over: Over): void {
    this.#take = take;
    this.#over = over;
    this.#listen(this.#server);
  }

  idle(): Promise<void> | undefined {
    return this.#server.incoming.idle();
  }

  send(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (this.#deciding) return this.#deciding.then(() => this.#server.send(envelope));
    if (isRequest(message) && isHandshake(message)) this.#initialize = message;
    else if (this.#initialize && this.#early.length <= MAX_EARLY) this.#early.push(asText(envelope));
    return this.#server.send(envelope);
  }

  close(reason?: Error): Promise<void> {
    return this.#server.close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#deciding;
    await Promise.all([this.#freeing, this.#server[Symbol.asyncDispose]()]);
  }

  #listen(server: Channel): void {
    server.incoming.read(
      (envelope) => this.#hear(server, envelope),
      (failure) => this.#end(server, failure),
    );
  }

  /** While it decides, nothing more is heard of the server. */
  #hear(server: Channel, envelope: Envelope): Promise<void> | void {
    if (server !== this.#server) return;
    const { message } = envelope;
    const asked = this.#initialize;
    if (!asked) return this.#take(envelope);
    if (!answersSole(message, asked.id)) {
      if (isResponse(message)) this.#forget(message);
      return this.#take(envelope);
    }
    this.#initialize = undefined;
    const early = this.#early;
    this.#early = [];
    if ("result" in message) this.#options.era.learnHandshake(true);
    // What a wire has answered by itself says nothing of the server.
    else if (!envelope.undelivered && early.length <= MAX_EARLY) {
      this.#deciding = this.#decide([{ message: asked }, ...early]).finally(() => this.#deciding = undefined);
      // One that is not of the other era has meant what it said.
      return this.#deciding.then((switched) => switched ? undefined : this.#take(envelope));
    }
    return this.#take(envelope);
  }

  /** What is answered need not be asked again. */
  #forget({ id }: JsonRpcResponse): void {
    this.#early = this.#early.filter(({ message }) => !isRequest(message) || message.id !== id);
  }

  #end(server: Channel, failure: Failure | undefined): void {
    if (server !== this.#server || this.#isOver) return;
    this.#isOver = true;
    this.#over(failure);
  }

  /** Whether another server has been told what the client had said. */
  async #decide(said: readonly Envelope[]): Promise<boolean> {
    const { era, translated, launch, emit } = this.#options;
    const { signal } = this.#stop;
    const refused = this.#server;
    try {
      if (!await era.findAgain(signal)) return false;
      era.learnHandshake(false);
      this.#server = await translated.open(launch, signal);
    } catch {
      // Why it cannot be asked says less than what it has answered.
      return false;
    }
    background(this.#freeing = refused[Symbol.asyncDispose](), "server that refused a handshake", emit);
    this.#listen(this.#server);
    try {
      // Whoever leaves does not wait for a server that does not read.
      for (const envelope of said) await until(signal, Promise.resolve(this.#server.send(envelope)));
    } catch (error) {
      this.#end(this.#server, { error });
    }
    return true;
  }
}
