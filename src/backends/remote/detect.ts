/**
 * Finds out which HTTP transport a URL speaks, as the specification tells clients to: POST `initialize` first, and where
 * that is refused, GET the event stream of the old transport (transports page, "Backwards Compatibility": with any 4xx up to
 * 2025-06-18, with 400, 404 or 405 since). A server that knows no handshake refuses it in words of its own, which the old
 * transport has not: it speaks Streamable HTTP (2026-07-28, the same section).
 */
import { around, heard } from "../../core/around.ts";
import type { Backend, Launch } from "../../core/backend.ts";
import type { Channel, Envelope } from "../../core/channel.ts";
import { DisconnectedError, GatewayError } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import { isModernError } from "../../core/mcp/eras.ts";
import { isRequest, isResponse, type JsonRpcResponse, type RequestId } from "../../core/message/jsonrpc.ts";
import { Queue } from "../../base/queue.ts";
import { InTurn } from "../../base/in_turn.ts";
import { each } from "../../base/readable.ts";
import { HandshakeGate } from "./handshake_gate.ts";

interface DetectOptions {
  readonly streamable: Backend;
  readonly sse: Backend;
  readonly emit: Sink;
}

/** Remembers what it found for as long as it lives. */
export function detectBackend({ streamable, sse, emit }: DetectOptions): Backend {
  let found: Backend | undefined;
  const onFound = (backend: Backend) => {
    if (backend === found) return;
    found = backend;
    emit({ type: "server.detected", server: backend.name, wire: backend === sse ? "sse" : "streamableHttp" });
  };
  return {
    name: streamable.name,
    async open(launch, signal) {
      if (found) return await found.open(launch, signal);
      // There is one wire only that carries this era; whether the server speaks it, its answers say.
      if (launch.era === "modern") {
        return watched(await streamable.open(launch, signal), () => onFound(streamable));
      }
      return new ProbingChannel({ streamable, sse, launch, onFound });
    },
    async [Symbol.asyncDispose]() {
      await streamable[Symbol.asyncDispose]();
      await sse[Symbol.asyncDispose]();
    },
  };
}

interface ProbeOptions extends Omit<DetectOptions, "emit"> {
  readonly launch: Launch;
  readonly onFound: (backend: Backend) => void;
}

class ProbingChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #options: ProbeOptions;
  /** What the first transport has not answered: the other one gets it if that is the right one. */
  readonly #unanswered = new Map<RequestId, Envelope>();
  /** A notification can be sent once, and goes to the right one. */
  readonly #order: HandshakeGate;
  #inner: Promise<Channel>;
  /** Once it is certain which one it is. */
  #channel: Channel | undefined;
  /** Why the old transport could not be had either. */
  #otherFailure: GatewayError | undefined;
  /** Ends what is being opened: it is there before, and opens a transport later. */
  readonly #abort = new AbortController();

  constructor(options: ProbeOptions) {
    this.#options = options;
    const { backlog } = options.launch;
    this.#order = new HandshakeGate({ say: (envelope) => this.#say(envelope), backlog });
    this.#inner = this.#open(options.streamable);
  }

  send(envelope: Envelope): Promise<void> | void {
    return this.#order.send(envelope);
  }

  async close(reason?: Error): Promise<void> {
    await (await this.#inner).close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new DisconnectedError("The conversation is over"));
    this.#order.clear();
    this.incoming.end();
    await (await this.#inner)[Symbol.asyncDispose]();
  }

  #say(envelope: Envelope): Promise<void> | void {
    if (this.#channel) return this.#channel.send(envelope);
    const { message } = envelope;
    if (isRequest(message)) this.#unanswered.set(message.id, envelope);
    return this.#inner.then((channel) => channel.send(envelope));
  }

  async #open(backend: Backend): Promise<Channel> {
    const channel = await backend.open(this.#options.launch, this.#abort.signal);
    void this.#pump(channel);
    return channel;
  }

  async #pump(channel: Channel): Promise<void> {
    try {
      const messages = new InTurn(channel.incoming);
      const verdict = await messages.seek((envelope) => this.#probe(channel, envelope));
      if (verdict === "left") return;
      await each(messages, (envelope) => this.#pass(envelope));
      this.incoming.end();
    } catch (error) {
      this.incoming.fail(error);
    }
  }

  /** Passes a message on while it is not certain which transport it is; gives whether that is certain now. */
  async #probe(channel: Channel, envelope: Envelope): Promise<"found" | "left" | undefined> {
    if (!this.#channel && await this.#fallsBack(channel, envelope)) return "left";
    await this.#pass(this.#explained(envelope));
    return this.#channel && "found";
  }

  #pass(envelope: Envelope): Promise<void> | void {
    this.#order.hear(envelope.message);
    return this.incoming.push(envelope, envelope.text?.length);
  }

  /** True when this answer made us go over to the old transport, which then answers in its place. */
  async #fallsBack(streamable: Channel, { message, undelivered }: Envelope): Promise<boolean> {
    if (!isResponse(message) || message.id === null) return false;
    if (isSpoken(message)) this.#decide(this.#options.streamable, streamable);
    // A refused connection or a failing server says nothing about the transport.
    else if (undelivered?.why === "foreign" && await this.#goOver(streamable)) return true;
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
    if (this.#abort.signal.aborted) return await dispose(old);
    this.#inner = Promise.resolve(old);
    this.#decide(this.#options.sse, old);
    await streamable[Symbol.asyncDispose]();
    for (const envelope of this.#unanswered.values()) await old.send(envelope);
    this.#unanswered.clear();
    return true;
  }

  #decide(backend: Backend, channel: Channel): void {
    this.#channel = channel;
    this.#options.onFound(backend);
  }
}

function watched(channel: Channel, onSpoken: () => void): Channel {
  const hear = (envelope: Envelope) => {
    if (isResponse(envelope.message) && isSpoken(envelope.message)) onSpoken();
    return envelope;
  };
  return around(channel, { incoming: heard(channel.incoming, { hear }) });
}

/** Whether only a server of Streamable HTTP says so. */
function isSpoken(answer: JsonRpcResponse): boolean {
  return "result" in answer || isModernError(answer.error);
}

async function dispose(channel: Channel): Promise<true> {
  await channel[Symbol.asyncDispose]();
  return true;
}
