/**
 * Finds out which HTTP transport a URL speaks, as the specification tells clients to: POST `initialize` first, and where
 * that is answered 400, 404 or 405, GET the event stream of the old transport (2025-11-25 transports page, "Backwards
 * Compatibility").
 */
import type { Backend, Launch } from "../core/backend.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { GatewayError } from "../core/errors.ts";
import { isRequest, isResponse, type RequestId } from "../core/jsonrpc.ts";
import { Queue } from "../core/queue.ts";

export interface DetectOptions {
  readonly streamable: Backend;
  readonly sse: Backend;
}

/** Remembers what it found for as long as it lives. */
export function detectBackend({ streamable, sse }: DetectOptions): Backend {
  let found: Backend | undefined;
  return {
    name: streamable.name,
    open(launch, signal) {
      if (found) return found.open(launch, signal);
      const probe = new ProbingChannel({
        streamable,
        sse,
        launch,
        signal,
        onFound: (backend) => found = backend,
      });
      return Promise.resolve(probe);
    },
    async [Symbol.asyncDispose]() {
      await streamable[Symbol.asyncDispose]();
      await sse[Symbol.asyncDispose]();
    },
  };
}

interface ProbeOptions extends DetectOptions {
  readonly launch: Launch;
  readonly signal: AbortSignal;
  readonly onFound: (backend: Backend) => void;
}

/** The answers to `initialize` that say "this is not Streamable HTTP". */
const OTHER_TRANSPORT = [400, 404, 405];

class ProbingChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #options: ProbeOptions;
  /** What the first transport has not answered: the other one gets it if that is the right one. */
  readonly #unanswered = new Map<RequestId, Envelope>();
  #inner: Promise<Channel>;
  #decided = false;
  /** Why the old transport could not be had either. */
  #otherFailure: GatewayError | undefined;
  #disposed = false;

  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#inner = this.#open(options.streamable);
  }

  async send(envelope: Envelope): Promise<void> {
    const { message } = envelope;
    if (!this.#decided && isRequest(message)) this.#unanswered.set(message.id, envelope);
    await (await this.#inner).send(envelope);
  }

  async close(reason?: Error): Promise<void> {
    await (await this.#inner).close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.incoming.end();
    await (await this.#inner)[Symbol.asyncDispose]();
  }

  async #open(backend: Backend): Promise<Channel> {
    const { launch, signal } = this.#options;
    const channel = await backend.open(launch, signal);
    void this.#pump(channel);
    return channel;
  }

  async #pump(channel: Channel): Promise<void> {
    try {
      for await (const envelope of channel.incoming) {
        if (!this.#decided && await this.#fallsBack(channel, envelope)) return;
        await this.incoming.push(this.#explained(envelope), envelope.text?.length);
      }
      this.incoming.end();
    } catch (error) {
      this.incoming.fail(error);
    }
  }

  /** True when this answer made us go over to the old transport, which then answers in its place. */
  async #fallsBack(streamable: Channel, { message, undelivered }: Envelope): Promise<boolean> {
    if (!isResponse(message) || message.id === null) return false;
    const { status } = undelivered ?? {};
    // A refused connection or a failing server says nothing about the transport.
    if ("result" in message) this.#decide(this.#options.streamable);
    else if (status !== undefined && OTHER_TRANSPORT.includes(status)) return await this.#goOver(streamable);
    this.#unanswered.delete(message.id);
    return false;
  }

  /** Neither transport works: the reasons of both, for the second one may be what is wrong. */
  #explained(envelope: Envelope): Envelope {
    const failure = this.#otherFailure;
    this.#otherFailure = undefined;
    const { message } = envelope;
    if (!failure || !isResponse(message) || !("error" in message)) return envelope;
    const error = { ...message.error, message: `${message.error.message}; as SSE: ${failure.message}` };
    return { ...envelope, message: { ...message, error }, text: undefined };
  }

  async #goOver(streamable: Channel): Promise<boolean> {
    let old: Channel;
    try {
      old = await this.#open(this.#options.sse);
    } catch (error) {
      this.#otherFailure = error instanceof GatewayError ? error : undefined;
      return false;
    }
    if (this.#disposed) return await dispose(old);
    this.#inner = Promise.resolve(old);
    this.#decide(this.#options.sse);
    await streamable[Symbol.asyncDispose]();
    for (const envelope of this.#unanswered.values()) await old.send(envelope);
    this.#unanswered.clear();
    return true;
  }

  #decide(backend: Backend): void {
    this.#decided = true;
    this.#options.onFound(backend);
  }
}

async function dispose(channel: Channel): Promise<true> {
  await channel[Symbol.asyncDispose]();
  return true;
}
