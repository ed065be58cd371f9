/** A remote MCP server over Streamable HTTP (revisions 2025-03-26 to 2025-11-25): each message is a POST of its own. */
import type { Backend, Launch } from "../core/backend.ts";
import type { Backlog } from "../core/backlog.ts";
import { Chain, type LinkTo, linkTo } from "../core/chain.ts";
import { type Channel, type Envelope, textOf } from "../core/channel.ts";
import { DisconnectedError, type LimitError } from "../core/errors.ts";
import { Calls } from "./calls.ts";
import {
  answersSole,
  cancelledId,
  isId,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type RequestId,
} from "../core/jsonrpc.ts";
import type { Outline } from "../core/outline.ts";
import { answersTooLong, hear } from "../core/parse.ts";
import { Queue } from "../core/queue.ts";
import { withAnswerId } from "../wire/answer_id.ts";
import type { OnSkipped, ReceivedEvent } from "../wire/sse_reader.ts";
import { eventSource, type EventSourceOptions } from "./event_source.ts";
import type { RemoteOptions } from "./remote.ts";
import { RemoteSession } from "./remote_session.ts";
import { failureAnswer, lostAnswer, messageOf, RemoteError, shown, untaken } from "./remote_error.ts";
import { contentType, errorText, readMessages, refusalOf } from "./response.ts";
import { within } from "../core/waiting.ts";
import { ORDER_MS } from "./remote.ts";

const EVENT_STREAM = "text/event-stream";
/** A goodbye must not hold up the end. */
const DELETE_TIMEOUT_MS = 2_000;
/** A server that does not know a session says so without delay. */
const LAST_WORD_MS = 1_000;

export function streamableBackend(options: RemoteOptions): Backend {
  return {
    name: shown(options.url),
    open: (launch) => {
      const client = options.client.withCookies();
      return Promise.resolve(new StreamableChannel({ ...options, client }, launch));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A request, and how to know that nobody waits for its answer any more. */
interface Call {
  readonly id: RequestId;
  readonly signal: AbortSignal;
}

class StreamableChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #options: RemoteOptions;
  readonly #label: string;
  readonly #backlog: Backlog | undefined;
  readonly #abort = new AbortController();
  readonly #session = new RemoteSession();
  #listening = false;
  #closed = false;
  #lost = false;
  readonly #calls = new Calls();
  /** What the server has not answered with a header. */
  readonly #posting = new Chain<LinkTo<Promise<Response>>>();

  constructor(options: RemoteOptions, { session, backlog }: Launch) {
    this.#options = options;
    this.#label = session;
    this.#backlog = backlog;
  }

  /** A request settles at once: its answer may take long, and others must not wait for it. */
  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed || this.#lost || this.incoming.ended) throw closed();
    const { message } = envelope;
    if (isRequest(message)) return void this.#request(envelope, message);
    // A server that acknowledges nothing must not hold up what comes after.
    return within(ORDER_MS, this.#notify(envelope)).then(() => this.#leave(message));
  }

  /** A server that was told so need not answer any more, and may not even end its answer. */
  #leave(message: JsonRpcMessage): void {
    const id = isRequest(message) || isResponse(message) ? undefined : cancelledId(message);
    if (id !== undefined) this.#calls.leave(id, new DisconnectedError("The request was cancelled"));
  }

  /** Tells the server that its session is over (transports page, "Session Management"). */
  async close(): Promise<void> {
    this.#closed = true;
    const headers = this.#session.take();
    if (!headers || this.incoming.ended) return;
    try {
      const response = await this.#options.client.request(this.#options.url, {
        method: "DELETE",
        headers,
        signal: AbortSignal.timeout(DELETE_TIMEOUT_MS),
      });
      await response.body?.cancel();
    } catch (error) {
      this.#tell(`the session could not be ended at the server: ${messageOf(error)}`);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stop(closed());
    this.incoming.end();
    return Promise.resolve();
  }

  #stop(reason: Error): void {
    this.#abort.abort(reason);
    this.#calls.leaveAll(reason);
  }

  // --- up ---

  async #request(envelope: Envelope, message: JsonRpcRequest): Promise<void> {
    const { id, method } = message;
    this.#session.asked(message);
    const signal = this.#calls.begin(id);
    try {
      const response = await this.#post(envelope, signal);
      if (contentType(response) === EVENT_STREAM) return await this.#follow(response, { id, signal });
      await this.#answerFrom(response, id);
    } catch (error) {
      if (signal.aborted) return;
      const sessionLost = this.#session.isLost(error);
      const failure = method === "initialize" ? untaken(error) : error;
      const room = this.incoming.push(relayed(failure, id) ?? failureAnswer(id, failure, { sessionLost }));
      // At once, so that nobody else is sent to the dead session while this answer waits to be read.
      if (sessionLost) void this.#break();
      await room;
    } finally {
      this.#calls.end(id, signal);
    }
  }

  async #notify(envelope: Envelope): Promise<void> {
    const size = textOf(envelope).length;
    // A request is counted by whoever may send it again.
    this.#backlog?.add(size);
    try {
      const response = await this.#post(envelope, this.#abort.signal);
      await response.body?.cancel();
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#tell(`a message was not taken: ${messageOf(error)}`);
      if (this.#session.isLost(error)) return void this.#break();
    } finally {
      this.#backlog?.remove(size);
    }
    // The handshake is complete: from here on the server may speak by itself.
    const { message } = envelope;
    if ("method" in message && message.method === "notifications/initialized") this.#listen();
  }

  /** Settles with a 2xx answer. Throws RemoteError for every other. */
  #post(envelope: Envelope, signal: AbortSignal): Promise<Response> {
    const posting = linkTo(this.#exchange(envelope, signal).finally(() => this.#posting.remove(posting)));
    this.#posting.add(posting);
    return posting.value;
  }

  async #exchange(envelope: Envelope, signal: AbortSignal): Promise<Response> {
    const { client, url } = this.#options;
    const response = await client.request(url, {
      method: "POST",
      headers: {
        ...this.#session.headers,
        "Content-Type": "application/json",
        Accept: `application/json, ${EVENT_STREAM}`,
      },
      body: textOf(envelope),
      signal,
    });
    if (response.ok) return response;
    throw refusalOf(url, response, await errorText(response));
  }

  // --- down ---

  async #answerFrom(response: Response, id: RequestId): Promise<void> {
    const { messages, text } = await readMessages(this.#options, response);
    let answered = false;
    for (const message of messages) {
      const envelope = this.#named({ message, text }, id);
      answered ||= answers(envelope, id);
      await this.#receive({ ...envelope, relatesTo: id }, response);
    }
    if (!answered) {
      throw new RemoteError(`${shown(this.#options.url)} answered without a response to the request`, {
        delivered: true,
      });
    }
  }

  /** Reads the SSE answer to a request to its end, over as many connections as it takes. */
  async #follow(first: Response, { id, signal }: Call): Promise<void> {
    const { url } = this.#options;
    const open = (cursor: string | undefined) => this.#get(cursor, signal);
    try {
      for await (const event of this.#events({ kind: "answer", open, first, signal })) {
        // An event without data only primes the cursor (2025-11-25).
        if (event.event !== "message" || event.data === "") continue;
        if (await this.#receiveEvent(event.data, id, first)) return;
      }
    } catch (error) {
      // Why the answer cannot be fetched says nothing about its request, which the server has taken.
      throw error instanceof RemoteError ? lostAnswer(url, error) : error;
    }
    throw lostAnswer(url);
  }

  #events(
    source: Pick<EventSourceOptions, "kind" | "open" | "first" | "signal" | "onSkipped">,
  ): AsyncGenerator<ReceivedEvent> {
    const { retry, maxMessageBytes: maxBytes } = this.#options;
    return eventSource({ ...source, retry, maxBytes });
  }

  async #receiveEvent(text: string, id?: RequestId, response?: Response): Promise<boolean> {
    let answered = false;
    for (const said of this.#envelopesOf(text)) {
      const envelope = id === undefined ? said : this.#named(said, id);
      answered ||= answers(envelope, id);
      await this.#receive({ ...envelope, relatesTo: id }, response);
    }
    return answered;
  }

  /** What comes in the answer to a POST answers its request, though it may not name it as it was asked. */
  #named(envelope: Envelope, id: RequestId): Envelope {
    const { message } = envelope;
    if (!answersSole(message, id) || message.id === id) return envelope;
    if (isId(message.id)) {
      if (this.#calls.has(message.id)) return envelope;
      const { emit, url } = this.#options;
      const reason = `it answers under ids of another type than it was asked with (${typeof id})`;
      emit({ type: "server.odd", session: this.#label, server: shown(url), reason });
    }
    return withAnswerId(envelope, message, id);
  }

  /** The messages of an event, or what their askers are told instead. */
  #envelopesOf(event: string): Envelope[] {
    const { messages, plain, refusal } = hear(event, this.#options.serverLimits);
    if (refusal) this.#tell(`an event was not taken: ${refusal.message}`);
    const text = plain ? event : undefined;
    return messages.map((message) => ({ message, text }));
  }

  #receive(envelope: Envelope, response?: Response): Promise<void> | void {
    this.#session.heard(envelope, response);
    return this.incoming.push(envelope, envelope.text?.length);
  }

  // --- the server's own stream ---

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    void this.#keepListening();
  }

  async #keepListening(): Promise<void> {
    let offered = false;
    const { signal } = this.#abort;
    const open = async (cursor: string | undefined) => {
      const response = await this.#get(cursor, signal);
      offered = true;
      return response;
    };
    try {
      const onSkipped: OnSkipped = (error, outlines) => this.#receiveSkipped(error, outlines);
      for await (const event of this.#events({ kind: "standing", open, signal, onSkipped })) {
        if (event.event === "message" && event.data !== "") await this.#receiveEvent(event.data);
      }
    } catch (error) {
      if (this.#closed || this.#abort.signal.aborted || (!offered && isNotOffered(error))) return;
      this.#tell(`the server's own stream ended: ${messageOf(error)}`);
      if (this.#session.isLost(error)) void this.#break();
    }
  }

  /** An event that is too long is refused to those whom it was to answer; everybody else goes on. */
  #receiveSkipped({ message: reason }: LimitError, outlines: readonly Outline[]): void {
    this.#tell(reason);
    for (const message of answersTooLong(reason, outlines)) void this.incoming.push({ message });
  }

  /** Settles with an event stream. Throws RemoteError for every other answer. */
  async #get(cursor: string | undefined, signal: AbortSignal): Promise<Response> {
    const { client, url } = this.#options;
    const response = await client.request(url, {
      method: "GET",
      headers: {
        ...this.#session.headers,
        Accept: EVENT_STREAM,
        ...(cursor === undefined ? {} : { "last-event-id": asHeader(cursor) }),
      },
      signal,
    });
    if (response.ok && contentType(response) === EVENT_STREAM) return response;
    throw refusalOf(url, response, await errorText(response));
  }

  // --- the end ---

  /** What is posted already is turned away as well: that it may be sent again must come out before the end. */
  async #break(): Promise<void> {
    if (this.#lost) return;
    this.#lost = true;
    await within(LAST_WORD_MS, Promise.allSettled(this.#posting.all().map(({ value }) => value)));
    this.#session.take();
    const error = new DisconnectedError("The MCP server has ended the session");
    this.incoming.fail(error);
    this.#stop(error);
  }

  #tell(reason: string): void {
    this.#options.emit({
      type: "server.trouble",
      session: this.#label,
      server: shown(this.#options.url),
      reason,
    });
  }
}

function answers({ message }: Envelope, id: RequestId | undefined): boolean {
  return id !== undefined && isResponse(message) && message.id === id;
}

/** 405: the server offers no stream of its own (transports page, "Listening for Messages from the Server"); some say 404. */
function isNotOffered(error: unknown): boolean {
  return error instanceof RemoteError && (error.remoteStatus === 405 || error.remoteStatus === 404);
}

function closed(): DisconnectedError {
  return new DisconnectedError("The connection to the MCP server is closed");
}

/** UTF-8 in a header is given to `fetch` byte by byte (HTML, "server-sent events"). */
function asHeader(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** The server's own JSON-RPC error to this request, whatever status carried it. */
function relayed(failure: unknown, id: RequestId): Envelope | undefined {
  if (!(failure instanceof RemoteError) || !failure.delivered || failure.answer?.id !== id) return undefined;
  return { message: failure.answer, relatesTo: id };
}
