/** POSTs of 2026-07-28: with the headers that the called tool wants, which may have to be asked for first. */
import { until } from "../../base/waiting.ts";
import type { Envelope } from "../../core/channel.ts";
import { messageOf } from "../../core/errors.ts";
import { Method } from "../../core/mcp/methods.ts";
import type { ParamAnnotation } from "../../core/mcp/param_annotations.ts";
import {
  isResponse,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { AnswerReader, type Call } from "./answer_reader.ts";
import { answerIn, isHeaderMismatch } from "./modern_answer.ts";
import { headersOf, headersOfCall } from "./modern_headers.ts";
import type { RemoteOptions } from "./remote.ts";
import type { RemoteNews } from "./remote_news.ts";
import { post } from "./streamable_http.ts";
import type { ToolHeaders } from "../../core/mcp/tool_headers.ts";
import { toolPages } from "./tool_listing.ts";

/** A call does not wait longer to learn which headers it needs: the server says so if it lacks one. */
const LISTING_MS = 10_000;

interface ModernHttpOptions {
  readonly remote: RemoteOptions;
  readonly tools: ToolHeaders;
  readonly news: RemoteNews;
  /** An id that no request has. */
  readonly freeId: () => RequestId;
  /** Ends what is asked here, whoever waits for it. */
  readonly signal: AbortSignal;
}

/** What is sent, and how to know that nobody wants it any more. */
interface Sending {
  readonly envelope: Envelope;
  readonly signal: AbortSignal;
}

/** A question of our own. */
interface OwnCall extends Call {
  answer?: JsonRpcMessage;
}

export class ModernHttp {
  readonly #options: ModernHttpOptions;
  readonly #answers: AnswerReader<OwnCall>;

  constructor(options: ModernHttpOptions) {
    const { remote, news } = options;
    this.#options = options;
    this.#answers = new AnswerReader({
      remote,
      calls: { has: () => false },
      receive: ({ message }, _, call) => {
        if (isResponse(message)) call.answer = message;
      },
      tell: (reason) => news.trouble(reason),
      tellOdd: (reason) => news.odd(reason),
    });
  }

  /** Settles with a 2xx answer. Throws RemoteError for every other. */
  post(message: JsonRpcRequest | JsonRpcNotification, sending: Sending): Promise<Response> {
    const tool = "id" in message && message.method === Method.callTool ? message.params?.name : undefined;
    return typeof tool === "string" && "id" in message
      ? this.#call(message, tool, sending)
      : this.#post(headersOf(message), sending);
  }

  async #call(message: JsonRpcRequest, tool: string, sending: Sending): Promise<Response> {
    const { tools } = this.#options;
    const known = tools.of(tool) ?? await this.#listFor(message, tool, sending.signal);
    const headers = headersOfCall(message, known);
    try {
      return await this.#post(headers, sending);
    } catch (error) {
      if (!isHeaderMismatch(error)) throw error;
      const other = headersOfCall(message, await this.#listFor(message, tool, sending.signal));
      if (isSame(headers, other)) throw error;
      return await this.#post(other, sending);
    }
  }

  #post(headers: Readonly<Record<string, string>>, { envelope, signal }: Sending): Promise<Response> {
    return post(this.#options.remote, { envelope, headers, signal });
  }

  async #listFor(
    call: JsonRpcRequest,
    tool: string,
    signal: AbortSignal,
  ): Promise<readonly ParamAnnotation[]> {
    const { tools, freeId, news, signal: end } = this.#options;
    const ending = AbortSignal.any([end, AbortSignal.timeout(LISTING_MS)]);
    const ask = (request: JsonRpcRequest) => this.#ask(request, ending);
    try {
      return await until(signal, tools.list(tool, () => toolPages({ id: freeId(), call, ask })));
    } catch (error) {
      if (signal.aborted) throw error;
      news.trouble(`which headers a call needs could not be asked for: ${messageOf(error)}`);
      return tools.of(tool) ?? [];
    }
  }

  async #ask(request: JsonRpcRequest, signal: AbortSignal): Promise<JsonRpcMessage> {
    const call: OwnCall = { id: request.id, signal };
    try {
      const response = await this.#post(headersOf(request), { envelope: { message: request }, signal });
      const unanswered = await this.#answers.read(response, call);
      if (unanswered) throw unanswered;
    } catch (error) {
      const said = answerIn(request.id, error);
      if (!said) throw error;
      return said.message;
    }
    if (!call.answer) throw new Error("Whoever has read the answer has it");
    return call.answer;
  }
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
