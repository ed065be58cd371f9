/** A remote MCP server over HTTP+SSE (2024-11-05): one GET stream down, POSTs up; the stream is the session. */
import type { Backend, Launch } from "../../core/backend.ts";
import { type Channel, type Envelope, textOf } from "../../core/channel.ts";
import {
  BackendError,
  DisconnectedError,
  GatewayError,
  messageOf,
  TimeoutError,
  type TooLargeError,
} from "../../core/errors.ts";
import { cancelledId, isHandshake } from "../../core/mcp/messages.ts";
import {
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcRequest,
} from "../../core/message/jsonrpc.ts";
import type { Outline } from "../../core/message/outline.ts";
import { answersTooLong, parseFromServer } from "../../core/message/parse.ts";
import { optionName } from "../../base/option_name.ts";
import { Queue } from "../../base/queue.ts";
import { within } from "../../base/waiting.ts";
import { readEvents, type ReceivedEvent } from "../../wire/sse_reader.ts";
import { HandshakeGate } from "./handshake_gate.ts";
import { OtherEraChannel } from "./other_era.ts";
import { PendingCalls } from "./pending_calls.ts";
import { isMessage } from "./event_source.ts";
import { ORDER_MS, type RemoteOptions } from "./remote.ts";
import { displayUrl, failureAnswer, RemoteError, untaken } from "./remote_error.ts";
import { RemoteNews } from "./remote_news.ts";
import { EVENT_STREAM } from "../../wire/sse.ts";
import { contentType, errorText, unexpectedResponse } from "./response.ts";

export function sseBackend(options: RemoteOptions): Backend {
  return {
    name: displayUrl(options.url),
    open(launch, signal) {
      if (launch.era === "modern") return Promise.resolve(otherEra(options, launch));
      const client = options.client.forConversation(launch);
      return open({ ...options, client }, { launch, signal });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function otherEra(options: RemoteOptions, launch: Launch): Channel {
  const speaker = `${displayUrl(options.url)} is spoken to over the older transport (${optionName("sse")})`;
  return new OtherEraChannel(options, launch, speaker);
}

interface OpenOptions {
  readonly launch: Launch;
  readonly signal: AbortSignal;
}

/** Connected once the server has named its endpoint. Throws RemoteError, TimeoutError or BackendError. */
async function open(options: RemoteOptions, { launch, signal }: OpenOptions): Promise<Channel> {
  const { connectTimeoutMs, url, maxMessageBytes } = options;
  signal.throwIfAborted();
  const abort = new AbortController();
  let channel: SseChannel | undefined;
  const stop = () => abort.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const late = new TimeoutError(
    `${displayUrl(url)} did not open its event stream within ${connectTimeoutMs} ms`,
  );
  const timer = setTimeout(() => abort.abort(late), connectTimeoutMs);
  try {
    const response = await connect(options, abort.signal);
    const events = readEvents(response.body ?? new Blob().stream(), {
      maxBytes: maxMessageBytes,
      onSkipped: (error, outlines) => channel?.receiveSkipped(error, outlines),
    });
    const endpoint = await endpointFrom(events, url);
    channel = new SseChannel(options, { launch, endpoint, events, abort });
    return channel;
  } catch (error) {
    abort.abort(error);
    if (error instanceof GatewayError) throw error;
    throw new RemoteError(`${displayUrl(url)} broke off its event stream`, {
      delivered: false,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

async function connect({ client, url }: RemoteOptions, signal: AbortSignal): Promise<Response> {
  const response = await client.request(url, { method: "GET", headers: { Accept: EVENT_STREAM }, signal });
  if (response.ok && contentType(response) === EVENT_STREAM) return response;
  throw unexpectedResponse(url, response, await errorText(response));
}

/** The first event names where to post. Another origin is refused: messages and credentials would go there. */
async function endpointFrom(events: AsyncGenerator<ReceivedEvent>, url: URL): Promise<URL> {
  while (true) {
    const { value, done } = await events.next();
    if (done) {
      throw new RemoteError(`${displayUrl(url)} ended its event stream at once`, { delivered: false });
    }
    if (value.event !== "endpoint") continue;
    const endpoint = URL.parse(value.data, url);
    if (endpoint?.origin === url.origin) return endpoint;
    const why = `${displayUrl(url)} names an endpoint of another origin, which is not trusted`;
    throw new BackendError(why, { permanent: true });
  }
}

interface Connected {
  readonly launch: Launch;
  readonly endpoint: URL;
  readonly events: AsyncGenerator<ReceivedEvent>;
  readonly abort: AbortController;
}

class SseChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #options: RemoteOptions;
  readonly #connected: Connected;
  readonly #news: RemoteNews;
  readonly #calls = new PendingCalls();
  readonly #order: HandshakeGate;
  /** Why nobody is there any more. */
  #failure: GatewayError | undefined;
  #closed = false;

  constructor(options: RemoteOptions, connected: Connected) {
    this.#options = options;
    this.#connected = connected;
    const { session, backlog } = connected.launch;
    this.#news = new RemoteNews(options, session);
    this.#order = new HandshakeGate({ say: (envelope) => this.#say(envelope), backlog });
    void this.#pump();
  }

  /** A request settles at once: a server may take the POST only when it has the answer. */
  send(envelope: Envelope): Promise<void> | void {
    this.#refuseIfOver();
    return this.#order.send(envelope);
  }

  #refuseIfOver(): void {
    if (this.#closed || this.incoming.ended) throw this.#failure ?? closed();
  }

  #say(envelope: Envelope): Promise<void> | void {
    this.#refuseIfOver();
    const { message } = envelope;
    if (isRequest(message)) return void this.#request(envelope, message);
    // A server that acknowledges nothing must not hold up what comes after.
    return within(ORDER_MS, this.#postCounted(envelope)).then(() => this.#abortCancelled(message));
  }

  /** A server that was told so need not acknowledge the request any more. */
  #abortCancelled(message: JsonRpcMessage): void {
    const id = isRequest(message) || isResponse(message) ? undefined : cancelledId(message);
    if (id !== undefined) this.#calls.abort(id, new DisconnectedError("The request was cancelled"));
  }

  async #request(envelope: Envelope, { id }: JsonRpcRequest): Promise<void> {
    const signal = this.#calls.begin(id);
    await this.#post(envelope, signal);
    this.#calls.end(id, signal);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.incoming.end();
    this.#stop(closed());
    return Promise.resolve();
  }

  /** A request is counted by whoever may send it again. */
  async #postCounted(envelope: Envelope): Promise<void> {
    const { backlog } = this.#connected.launch;
    const size = textOf(envelope).length;
    backlog?.add(size);
    await this.#post(envelope, this.#connected.abort.signal);
    backlog?.remove(size);
  }

  #stop(reason: Error): void {
    this.#order.clear();
    this.#connected.abort.abort(reason);
    this.#calls.abortAll(reason);
  }

  async #post(envelope: Envelope, signal: AbortSignal): Promise<void> {
    const { message } = envelope;
    const { endpoint } = this.#connected;
    try {
      const response = await this.#options.client.request(endpoint, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: textOf(envelope),
        signal,
      });
      if (!response.ok) throw unexpectedResponse(endpoint, response, await errorText(response));
      await response.body?.cancel();
    } catch (error) {
      if (signal.aborted) return;
      // The endpoint is the session: without it, the stream is of no use either.
      const sessionLost = error instanceof RemoteError && error.remoteStatus === 404;
      const room = isRequest(message)
        ? this.#pass(failureOf(message, error, { sessionLost }))
        : this.#news.trouble(`a message was not taken: ${messageOf(error)}`);
      if (sessionLost) this.#fail(error);
      await room;
    }
  }

  async #pump(): Promise<void> {
    const { events } = this.#connected;
    try {
      for await (const event of events) {
        if (!isMessage(event)) continue;
        const room = this.#receive(event.data);
        if (room) await room;
      }
      this.#fail();
    } catch (error) {
      this.#fail(error);
    }
  }

  #receive(text: string): Promise<void> | void {
    const { messages, refusal } = parseFromServer(text, this.#options.serverLimits);
    if (refusal) this.#news.trouble(`an event was not taken: ${refusal.message}`);
    let room: Promise<void> | void = undefined;
    for (const envelope of messages) room = this.#pass(envelope);
    return room;
  }

  #pass(envelope: Envelope): Promise<void> | void {
    this.#order.hear(envelope.message);
    return this.incoming.push(envelope, envelope.text?.length);
  }

  /** An event that is too long is refused to those whom it was to answer; everybody else goes on. */
  receiveSkipped({ message: reason }: TooLargeError, outlines: readonly Outline[]): void {
    this.#news.trouble(reason);
    for (const envelope of answersTooLong(reason, outlines)) void this.#pass(envelope);
  }

  #fail(cause?: unknown): void {
    const error = cause instanceof GatewayError && !(cause instanceof RemoteError)
      ? cause
      : new DisconnectedError("The MCP server closed its event stream", { cause });
    this.#failure = error;
    this.incoming.fail(error);
    this.#stop(error);
  }
}

function failureOf(message: JsonRpcRequest, error: unknown, lost: { sessionLost: boolean }): Envelope {
  return failureAnswer(message.id, isHandshake(message) ? untaken(error) : error, lost);
}

function closed(): DisconnectedError {
  return new DisconnectedError("The connection to the MCP server is closed");
}
