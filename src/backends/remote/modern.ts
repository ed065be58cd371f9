/**
 * A remote MCP server of 2026-07-28 over Streamable HTTP: no session, and no stream but those of requests. Each message is a
 * POST of its own, whose headers repeat what it says; to leave its answer is to cancel it.
 */
import { quoted } from "../../base/outside.ts";
import { Queue } from "../../base/queue.ts";
import { within } from "../../base/waiting.ts";
import type { Launch } from "../../core/backend.ts";
import type { Backlog } from "../../core/backlog.ts";
import { type Channel, type Envelope, textOf } from "../../core/channel.ts";
import { DisconnectedError, messageOf } from "../../core/errors.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  isObject,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { filterArray } from "../../wire/array_filter.ts";
import { AnswerReader, type Call } from "./answer_reader.ts";
import { judgedDiscovery, modernFailure } from "./modern_answer.ts";
import { ModernHttp } from "./modern_http.ts";
import { PendingCalls } from "./pending_calls.ts";
import { ORDER_MS, type RemoteOptions } from "./remote.ts";
import { RemoteNews } from "./remote_news.ts";
import type { ToolHeaders } from "../../core/mcp/tool_headers.ts";

/** Ids of our own are the greatest that every server can read: others count from below. */
const LAST_ID = 2 ** 31 - 1;

interface ModernCall extends Call {
  readonly request: JsonRpcRequest;
}

export class ModernChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #news: RemoteNews;
  readonly #backlog: Backlog | undefined;
  readonly #tools: ToolHeaders;
  readonly #http: ModernHttp;
  readonly #answers: AnswerReader<ModernCall>;
  readonly #calls = new PendingCalls();
  readonly #abort = new AbortController();
  #closed = false;

  /** `tools` may be those of several channels to one server. */
  constructor(remote: RemoteOptions, { session, backlog }: Launch, tools: ToolHeaders) {
    const news = this.#news = new RemoteNews(remote, session);
    this.#backlog = backlog;
    this.#tools = tools;
    const { signal } = this.#abort;
    this.#http = new ModernHttp({ remote, tools, news, signal, freeId: () => this.#freeId() });
    this.#answers = new AnswerReader({
      remote,
      calls: this.#calls,
      receive: (envelope, _, call) => this.#receive(envelope, call),
      tell: (reason) => news.trouble(reason),
      tellOdd: (reason) => news.odd(reason),
    });
  }

  /** A request settles at once: its answer may take long, and others must not wait for it. */
  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed || this.incoming.ended) throw closed();
    const { message } = envelope;
    if (isRequest(message)) return void this.#request(envelope, message);
    if (isResponse(message)) return this.#news.dropped("up", "a server of this revision asks nothing itself");
    if (message.method === Method.cancelled) return this.#cancel(message);
    // One that is not acknowledged must not hold up what comes after.
    return within(ORDER_MS, this.#notify(envelope, message)).then(() => {});
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(closed());
    this.#calls.abortAll(closed());
    this.incoming.end();
    return Promise.resolve();
  }

  // --- up ---

  async #request(envelope: Envelope, request: JsonRpcRequest): Promise<void> {
    const { id } = request;
    const signal = this.#calls.begin(id);
    try {
      const response = await this.#http.post(request, { envelope, signal });
      const unanswered = await this.#answers.read(response, { id, signal, request });
      if (unanswered) throw unanswered;
    } catch (error) {
      if (!signal.aborted) await this.incoming.push(modernFailure(request, error));
    } finally {
      this.#calls.end(id, signal);
    }
  }

  /** The server hears of it by the end of the stream, and of nothing else (cancellation page). */
  #cancel(message: JsonRpcNotification): void {
    const id = cancelledId(message);
    if (id !== undefined) this.#calls.abort(id, new DisconnectedError("The request was cancelled"));
  }

  async #notify(envelope: Envelope, message: JsonRpcNotification): Promise<void> {
    const { signal } = this.#abort;
    const size = textOf(envelope).length;
    // A request is counted by whoever may send it again.
    this.#backlog?.add(size);
    try {
      const response = await this.#http.post(message, { envelope, signal });
      await response.body?.cancel();
    } catch (error) {
      if (!signal.aborted) this.#news.trouble(`a message was not taken: ${messageOf(error)}`);
    } finally {
      this.#backlog?.remove(size);
    }
  }

  #freeId(): RequestId {
    let id = LAST_ID;
    while (this.#calls.has(id)) id--;
    return id;
  }

  // --- down ---

  #receive(envelope: Envelope, call: ModernCall): Promise<void> | void {
    const { message } = envelope;
    if (isRequest(message)) {
      return this.#news.dropped(
        "down",
        `the server asks ${quoted(message.method)}, which no client answers here`,
      );
    }
    if (isResponse(message)) return this.#receiveAnswer(envelope, message, call);
    if (message.method === Method.toolsChanged) this.#tools.forget();
    return this.#pass(envelope);
  }

  #receiveAnswer(envelope: Envelope, answer: JsonRpcResponse, call: ModernCall): Promise<void> | void {
    const { id, method } = call.request;
    if (answer.id !== id) {
      return this.#news.dropped("down", "it answers another request than the one it came to");
    }
    if (method === Method.discover) return this.#pass(judgedDiscovery(envelope));
    if (method === Method.listTools) this.#leaveOutFaulty(envelope, answer);
    return this.#pass(envelope);
  }

  /** A tool with a wrong annotation is none, and does not spoil the others (Streamable HTTP page, "Schema Extension"). */
  #leaveOutFaulty(envelope: Envelope, answer: JsonRpcResponse): void {
    if (!("result" in answer) || !isObject(answer.result)) return;
    const { result } = answer;
    filterArray(envelope, { ...answer, result }, { key: "tools", keeps: (tool) => this.#isSound(tool) });
  }

  #isSound(tool: unknown): boolean {
    const faulty = this.#tools.learn(tool);
    if (!faulty) return true;
    this.#news.odd(`its tool ${quoted(faulty.name)} is left out: ${faulty.problem}`);
    return false;
  }

  #pass(envelope: Envelope): Promise<void> | void {
    return this.incoming.push(envelope, envelope.text?.length);
  }
}

function closed(): DisconnectedError {
  return new DisconnectedError("The connection to the MCP server is closed");
}
