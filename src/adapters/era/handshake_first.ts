/**
 * A server that legacy clients speak to while nobody knows which era it speaks: it gets their handshake, as nearly every
 * server wants it. One that refuses that is asked whether it is of the other era, and translated for them if it is.
 */
import type { Backend, Launch } from "../../core/backend.ts";
import type { Channel, Envelope } from "../../core/channel.ts";
import { background, type Sink } from "../../core/events.ts";
import { isHandshake } from "../../core/mcp/messages.ts";
import { answersSole, isRequest, type JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import type { Failure, Over, Readable, Take } from "../../base/readable.ts";
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

class UntriedChannel implements Channel, Readable<Envelope> {
  readonly #options: HandshakeFirstOptions & { readonly launch: Launch };
  readonly #stop = new AbortController();
  #server: Channel;
  /** The handshake that is not answered. */
  #initialize: JsonRpcRequest | undefined;
  /** While it is found out what the server speaks. */
  #deciding: Promise<void> | undefined;
  /** It has ended meanwhile. */
  #ended: { readonly failure: Failure | undefined } | undefined;
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
    return this.#deciding ?? this.#server.incoming.idle();
  }

  send(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (this.#deciding) return this.#deciding.then(() => this.#server.send(envelope));
    if (isRequest(message) && isHandshake(message)) this.#initialize = message;
    return this.#server.send(envelope);
  }

  close(reason?: Error): Promise<void> {
    return this.#server.close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#deciding;
    await this.#server[Symbol.asyncDispose]();
  }

  #listen(server: Channel): void {
    server.incoming.read(
      (envelope) => this.#hear(server, envelope),
      (failure) => this.#end(server, failure),
    );
  }

  #hear(server: Channel, envelope: Envelope): Promise<void> | void {
    if (server !== this.#server || this.#deciding) return;
    const asked = this.#initialize;
    if (!asked || !answersSole(envelope.message, asked.id)) return this.#take(envelope);
    this.#initialize = undefined;
    if ("result" in envelope.message) {
      this.#options.era.learnHandshake(true);
      return this.#take(envelope);
    }
    // What a wire has answered by itself says nothing of the server.
    if (envelope.undelivered) return this.#take(envelope);
    this.#deciding = this.#decide(envelope, asked).finally(() => this.#deciding = undefined);
    background(this.#deciding, "server that refused a handshake", this.#options.emit);
  }

  #end(server: Channel, failure: Failure | undefined): void {
    if (server !== this.#server) return;
    if (this.#deciding) this.#ended = { failure };
    else this.#over(failure);
  }

  async #decide(refusal: Envelope, initialize: JsonRpcRequest): Promise<void> {
    const { era, translated, launch } = this.#options;
    const { signal } = this.#stop;
    try {
      if (!await era.find(signal)) return this.#passOn(refusal);
      era.learnHandshake(false);
      const refused = this.#server;
      this.#server = await translated.open(launch, signal);
      await refused[Symbol.asyncDispose]();
    } catch {
      // Why it cannot be asked says less than what it has answered.
      return this.#passOn(refusal);
    }
    this.#listen(this.#server);
    await this.#server.send({ message: initialize });
  }

  /** It is no server of the other era, so what it has said is its answer. */
  #passOn(refusal: Envelope): void {
    void this.#take(refusal);
    if (this.#ended) this.#over(this.#ended.failure);
  }
}
