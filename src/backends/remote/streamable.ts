/**
 * A remote MCP server over Streamable HTTP: each message is a POST of its own. The channel here is that of revisions 2025-03-26
 * to 2025-11-25.
 */
import type { Backend, Launch } from "../../core/backend.ts";
import type { Backlog } from "../../core/backlog.ts";
import { Chain, type LinkTo, linkTo } from "../../base/chain.ts";
import { type Channel, type Envelope, textOf } from "../../core/channel.ts";
import { DisconnectedError, messageOf, type TooLargeError } from "../../core/errors.ts";
import { cancelledId, isHandshake, isInitialized } from "../../core/mcp/messages.ts";
import {
  isId,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import type { Outline } from "../../core/message/outline.ts";
import { answersTooLong } from "../../core/message/parse.ts";
import { Queue } from "../../base/queue.ts";
import { within } from "../../base/waiting.ts";
import { HandshakeGate } from "./handshake_gate.ts";
import { AnswerReader } from "./answer_reader.ts";
import { ModernChannel } from "./modern.ts";
import { handshakeFailure } from "./modern_answer.ts";
import { PendingCalls } from "./pending_calls.ts";
import { StandaloneStreamReader, type StreamEnd } from "./standalone_stream_reader.ts";
import { MAX_MIRRORED_TOOLS, ORDER_MS, type RemoteOptions } from "./remote.ts";
import { displayUrl, failureAnswer } from "./remote_error.ts";
import { isAbsent, RemoteNews } from "./remote_news.ts";
import { RemoteSession } from "./remote_session.ts";
import { StreamableHttp } from "./streamable_http.ts";
import { ToolHeaders } from "../../core/mcp/tool_headers.ts";

/** A server that does not know a session says so without delay. */
const LAST_WORD_MS = 1_000;

export function streamableBackend(options: RemoteOptions): Backend {
  const { url, maxMirroredTools = MAX_MIRRORED_TOOLS } = options;
  const tools = new ToolHeaders(maxMirroredTools);
  const open = (launch: Launch): Channel => {
    const remote = { ...options, client: options.client.forConversation(launch) };
    if (launch.era !== "modern") return new StreamableChannel(remote, launch);
    // Whoever calls with headers of its own may be shown other tools.
    const shown = launch.own ? new ToolHeaders(maxMirroredTools) : tools;
    return new ModernChannel(remote, launch, shown);
  };
  return {
    name: displayUrl(url),
    open: (launch) => Promise.resolve(open(launch)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

class StreamableChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #news: RemoteNews;
  readonly #backlog: Backlog | undefined;
  readonly #abort = new AbortController();
  readonly #session = new RemoteSession();
  readonly #http: StreamableHttp;
  readonly #calls = new PendingCalls();
  readonly #order: HandshakeGate;
  readonly #answers: AnswerReader;
  readonly #standalone: StandaloneStreamReader;
  #closed = false;
  /** Why nobody is there any more. */
  #lost: DisconnectedError | undefined;
  /** What the server has not answered with a header. */
  readonly #posting = new Chain<LinkTo<Promise<Response>>>();

  constructor(options: RemoteOptions, { session, backlog }: Launch) {
    this.#news = new RemoteNews(options, session);
    this.#backlog = backlog;
    this.#http = new StreamableHttp(options, this.#session);
    const { signal } = this.#abort;
    this.#order = new HandshakeGate({ say: (envelope) => this.#say(envelope), backlog });
    this.#answers = new AnswerReader({
      remote: options,
      calls: this.#calls,
      resume: (cursor, signal) => this.#http.get(cursor, signal),
      receive: (envelope, response) => this.#receive(envelope, response),
      tell: (reason) => this.#news.trouble(reason),
      tellOdd: (reason) => this.#news.odd(reason),
    });
    this.#standalone = new StandaloneStreamReader({
      remote: options,
      get: (cursor) => this.#http.get(cursor, signal),
      onMessage: (text) => this.#hearOwn(text),
      onSkipped: (error, outlines) => this.#receiveSkipped(error, outlines),
      onFruitless: (failure) => this.#news.streamFruitless(failure),
      onEnd: (end) => this.#endOwn(end),
      signal,
    });
  }

  /** A request settles at once: its answer may take long, and others must not wait for it. */
  send(envelope: Envelope): Promise<void> | void {
    this.#refuseIfOver();
    return this.#order.send(envelope);
  }

  /** Tells the server that its session is over. */
  async close(): Promise<void> {
    this.#closed = true;
    const headers = this.#session.end();
    if (!headers || this.incoming.ended) return;
    try {
      await this.#http.end(headers);
    } catch (error) {
      this.#news.trouble(`the session could not be ended at the server: ${messageOf(error)}`);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stop(closed());
    this.incoming.end();
    return Promise.resolve();
  }

  #refuseIfOver(): void {
    if (this.#closed || this.#lost || this.incoming.ended) throw this.#lost ?? closed();
  }

  #stop(reason: Error): void {
    this.#order.clear();
    this.#abort.abort(reason);
    this.#calls.abortAll(reason);
  }

  // --- up ---

  #say(envelope: Envelope): Promise<void> | void {
    this.#refuseIfOver();
    const { message } = envelope;
    if (isRequest(message)) return void this.#request(envelope, message);
    if (!isInitialized(message)) return this.#notifyInTurn(envelope);
    // What the server has to say right after it is said on a stream of its own, which is to be there by then.
    return within(ORDER_MS, this.#standalone.tried).then(() => this.#notifyInTurn(envelope));
  }

  /** A server that acknowledges nothing must not hold up what comes after. */
  #notifyInTurn(envelope: Envelope): Promise<void> {
    return within(ORDER_MS, this.#notify(envelope)).then(() => this.#abortCancelled(envelope.message));
  }

  /** A server that was told so need not answer any more, and may not even end its answer. */
  #abortCancelled(message: JsonRpcMessage): void {
    const id = isRequest(message) || isResponse(message) ? undefined : cancelledId(message);
    if (id !== undefined) this.#calls.abort(id, new DisconnectedError("The request was cancelled"));
  }

  async #request(envelope: Envelope, message: JsonRpcRequest): Promise<void> {
    const { id } = message;
    this.#session.asked(message);
    const signal = this.#calls.begin(id);
    try {
      const response = await this.#post(envelope, signal);
      const unanswered = await this.#answers.read(response, { id, signal });
      if (!unanswered) return;
      if (isHandshake(message) && this.#session.given(response)) this.#standalone.start();
      await this.#standalone.answer(id, signal, unanswered);
    } catch (error) {
      if (signal.aborted) return;
      const sessionLost = this.#session.isLost(error);
      const failure = isHandshake(message) ? handshakeFailure : failureAnswer;
      const room = this.incoming.push(failure(id, error, { sessionLost }));
      // At once, so that nobody else is sent to the dead session while this answer waits to be read.
      if (sessionLost) void this.#break();
      await room;
    } finally {
      this.#calls.end(id, signal);
      this.#order.answered(id);
    }
  }

  async #notify(envelope: Envelope): Promise<void> {
    const size = textOf(envelope).length;
    // A request is counted by whoever may send it again.
    this.#backlog?.add(size);
    try {
      const response = await this.#post(envelope, this.#abort.signal);
      await response.body?.cancel();
      if (isInitialized(envelope.message)) this.#standalone.begin();
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#news.trouble(`a message was not taken: ${messageOf(error)}`);
      if (this.#session.isLost(error)) void this.#break();
    } finally {
      this.#backlog?.remove(size);
    }
  }

  /** Settles with a 2xx answer. Throws RemoteError for every other. */
  #post(envelope: Envelope, signal: AbortSignal): Promise<Response> {
    const posting = linkTo(this.#http.post(envelope, signal).finally(() => this.#posting.remove(posting)));
    this.#posting.add(posting);
    return posting.value;
  }

  // --- down ---

  #receive(envelope: Envelope, response?: Response): Promise<void> | void {
    // As soon as there is a session: the server may have something to say before it is asked.
    if (this.#session.heard(envelope, response)) this.#standalone.start();
    return this.incoming.push(envelope, envelope.text?.length);
  }

  /** An event that is too long is refused to those whom it was to answer; everybody else goes on. */
  #receiveSkipped({ message: reason }: TooLargeError, outlines: readonly Outline[]): void {
    this.#news.trouble(reason);
    for (const envelope of answersTooLong(reason, outlines)) {
      this.#answeredOwn(envelope.message);
      void this.incoming.push(envelope);
    }
  }

  // --- the server's own stream ---

  async #hearOwn(text: string): Promise<void> {
    for (const envelope of this.#answers.envelopesOf(text)) {
      const id = this.#answeredOwn(envelope.message);
      await this.#receive({ ...envelope, relatesTo: id });
    }
  }

  /** The request that this answers, if it is still open; nothing more is expected for it. */
  #answeredOwn(message: JsonRpcMessage): RequestId | undefined {
    if (!isResponse(message)) return undefined;
    const id = isId(message.id) ? this.#calls.resolveId(message.id) : this.#standalone.sole;
    if (id === undefined) return undefined;
    this.#news.odd("it answers requests on the event stream that is for what it says by itself");
    this.#calls.abort(id, new DisconnectedError("The request was answered"));
    return id;
  }

  #endOwn(end: StreamEnd): void {
    if (this.#closed || this.#abort.signal.aborted) return;
    this.#news.streamEnded(end);
    if (!isAbsent(end) && this.#session.isLost(end.error)) void this.#break();
  }

  // --- the end ---

  /** What is posted already is turned away as well: that it may be sent again must come out before the end. */
  async #break(): Promise<void> {
    if (this.#lost) return;
    const error = this.#lost = new DisconnectedError("The MCP server has ended the session");
    await within(LAST_WORD_MS, Promise.allSettled(this.#posting.all().map(({ value }) => value)));
    this.#session.end();
    this.incoming.fail(error);
    this.#stop(error);
  }
}

function closed(): DisconnectedError {
  return new DisconnectedError("The connection to the MCP server is closed");
}
