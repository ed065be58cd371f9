/**
 * One request of a modern client at a legacy server. When the server asks its client something, the request is answered
 * with the questions, and the call waits, at the server and here, until the client comes back with the answers.
 */
import type { Envelope } from "../../core/channel.ts";
import { BackendError, GatewayError, RpcCode, toRpcError } from "../../core/errors.ts";
import { background, type Sink } from "../../core/events.ts";
import { cancelledId, reportedToken, requestedTool } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import { reachesLevel } from "../../core/mcp/log_levels.ts";
import {
  errorOf,
  isObject,
  isRequest,
  isResponse,
  type JsonRpcErrorObject,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonRpcResult,
  type Params,
  type RequestId,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { quoted } from "../../base/outside.ts";
import { SharedClient } from "../sharing/shared_client.ts";
import { withReportedToken } from "../sharing/rewrite.ts";
import {
  answers,
  inputRequestsOf,
  isQuestion,
  mayAsk,
  NOT_ASKED,
  type Question,
  questionOf,
  undeclared,
  urlQuestions,
} from "./input_requests.ts";
import { jsonAt } from "./legacy/anew_spelled.ts";
import type { LegacyServer } from "./legacy_conversation.ts";
import { missingCapability, modernAnswer, withServer } from "./modern_answers.ts";
import type { Waiter } from "./waiter.ts";

/** A server that asks several things at once says so in one breath, which is over by then (BREATH_MS of asked_requests.ts). */
const GATHER_MS = 15;

/** Where calls wait for their clients. */
export interface Parking {
  /** Keeps the call, and gives what its client is to bring with the answers. Throws GatewayError when there is no room. */
  park(call: LegacyCall): Promise<string>;
}

interface LegacyCallOptions {
  readonly server: LegacyServer;
  /** As the server was sent it. */
  readonly request: JsonRpcRequest;
  readonly parking: Parking;
  /** Names it in events. */
  readonly session: string;
  readonly emit: Sink;
  /** Hears that it asks, and that it is over; calls are told apart where nobody has to know. */
  readonly asking?: Asking | undefined;
}

/** Who has to know when a call comes to its question. */
export interface Asking {
  /** Settles when the call may go on to where it may ask. */
  begin(): Promise<void>;
  /** The server asks something for it, or may do so. */
  suspected(): void;
  /** It waits for its client, and asks nothing more until that has answered. */
  asked(): void;
  over(): void;
}

export class LegacyCall {
  readonly #options: LegacyCallOptions;
  /** Made with the first question: most calls have none. */
  #questions: Map<string, Question> | undefined;
  #waiter: Waiter | undefined;
  /** Who waited until the call came to its question: what it would have wanted to hear is dropped since. */
  #left: Waiter | undefined;
  /** What the server has answered while nobody waited. */
  #outcome: Envelope | undefined;
  /** What the client would have had to declare for what the server has asked in vain. */
  #refused: Params | undefined;
  #asked = 0;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(waiter: Waiter, options: LegacyCallOptions) {
    this.#waiter = waiter;
    this.#options = options;
    const { server: { channel }, asking } = options;
    if (asking && channel instanceof SharedClient) channel.onSuspected = () => asking.suspected();
    options.server.incoming.read((said) => this.#hear(said), (failure) => this.#lost(failure?.error));
  }

  /** Names it in events. */
  get session(): string {
    return this.#options.session;
  }

  get method(): string {
    return this.#options.request.method;
  }

  get tool(): string | undefined {
    return requestedTool(this.#options.request);
  }

  /** Nobody waits for it any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Asks the server: `envelope` is the request as it is to be sent. */
  begin(envelope: Envelope): void {
    this.#setLevel();
    this.#say(envelope);
  }

  /** Settles when it may go on with what its client has answered. */
  async again(): Promise<void> {
    await this.#options.asking?.begin();
  }

  /**
   * Its client comes back, with answers to what it was asked; what is not among them is asked again. `envelope` is what
   * has them as they are spelled.
   */
  resume(waiter: Waiter, responses: Params, envelope: Envelope): void {
    this.#waiter = waiter;
    const outcome = this.#outcome;
    if (outcome) return this.#finish(outcome);
    const questions = this.#questions ?? new Map<string, Question>();
    for (const [key, { id, method }] of questions) {
      const response = responses[key];
      if (!answers(method, response)) continue;
      questions.delete(key);
      const json = jsonAt(envelope, ["params", "inputResponses", key], response);
      this.#say(spelledResult(resultOf(id, response), json));
    }
    if (questions.size > 0) this.#gather();
  }

  /** Nobody waits for it any more: the server is told by the end of the conversation. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#gathering);
    this.#waiter = undefined;
    this.#options.asking?.over();
    const { server: { channel }, emit } = this.#options;
    background(channel[Symbol.asyncDispose](), "end of a call", emit);
  }

  /** What it logs comes for who has asked for that; its answer is of no interest. */
  #setLevel(): void {
    const { request, server: { initialized: { capabilities } } } = this.#options;
    const level = this.#waiter?.meta.logLevel;
    if (level === undefined || !isObject(capabilities) || capabilities.logging === undefined) return;
    const id = request.id === 1 ? 2 : 1;
    this.#say({ message: { jsonrpc: "2.0", id, method: Method.setLevel, params: { level } } });
  }

  // --- what the server says ---

  #hear(envelope: Envelope): void {
    if (this.#over) return;
    const { message } = envelope;
    if (isResponse(message)) return this.#answered(envelope, message);
    if (isRequest(message)) return this.#ask(envelope, message);
    this.#note(envelope, message);
  }

  #answered(envelope: Envelope, message: JsonRpcResponse): void {
    if (message.id !== this.#options.request.id) return;
    // Whoever waits for answers to questions gets this in their place when it comes back.
    if (this.#waiter) return this.#finish(envelope);
    this.#outcome = envelope;
    this.#questions = undefined;
  }

  #note(envelope: Envelope, message: JsonRpcNotification): void {
    const { method } = message;
    if (method === Method.progress) return this.#progress(envelope, message);
    if (method === Method.logged) return this.#logged(envelope, message);
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) return this.#withdraw(cancelled);
    if (method === Method.elicitationComplete) {
      return this.#drop(`2026-07-28 has no ${method}: the client comes back when it is done`);
    }
    // What changes at the server is for those who listen.
  }

  #progress(envelope: Envelope, message: JsonRpcNotification): void {
    const token = (this.#waiter ?? this.#left)?.token;
    if (token === undefined) return;
    if (!this.#waiter) return this.#dropUnheard(message);
    const told = reportedToken(message) === token ? envelope : withReportedToken(envelope, message, token);
    this.#tell({ ...told });
  }

  #logged(envelope: Envelope, message: JsonRpcNotification): void {
    const wanted = (this.#waiter ?? this.#left)?.meta.logLevel;
    if (wanted === undefined || !reachesLevel(message.params?.level, wanted)) return;
    if (this.#waiter) this.#tell({ ...envelope });
    else this.#dropUnheard(message);
  }

  /** The server does not want to know any more what it has asked. */
  #withdraw(id: RequestId): void {
    for (const [key, question] of this.#questions ?? []) if (question.id === id) this.#questions?.delete(key);
  }

  #lost(error: unknown): void {
    if (this.#over) return;
    const known = error instanceof GatewayError
      ? error
      : new BackendError("The MCP server closed the connection", { cause: error });
    const outcome = { message: errorOf(this.#options.request.id, toRpcError(known)) };
    if (this.#waiter) return this.#finish(outcome);
    this.#outcome = outcome;
  }

  // --- what it asks ---

  #ask(envelope: Envelope, message: JsonRpcRequest): void {
    const { id, method } = message;
    if (method === Method.ping) return this.#say({ message: resultOf(id, {}) });
    const refusal = this.#refusal(message);
    if (refusal) {
      this.#drop(refusal.message);
      return this.#say({ message: errorOf(id, refusal) });
    }
    this.#tellLeftOut(message);
    this.#options.asking?.suspected();
    (this.#questions ??= new Map()).set(`question_${++this.#asked}`, questionOf(envelope, message));
    if (this.#waiter) this.#gather();
  }

  #refusal(message: JsonRpcRequest): JsonRpcErrorObject | undefined {
    const { method } = message;
    const { request } = this.#options;
    if (!isQuestion(method)) return unknown(`${quoted(method)} cannot be asked of a client of 2026-07-28`);
    if (!mayAsk(request.method)) {
      return unknown(`${quoted(method)} cannot be asked while ${quoted(request.method)} is answered`);
    }
    const missing = this.#waiter && undeclared(message, this.#waiter.meta.capabilities);
    if (!missing) return undefined;
    this.#refused = { ...this.#refused, ...missing };
    return notDeclared(method);
  }

  /** What was asked while nobody waited, or of a client that declares something else now. */
  #refuseUndeclared({ meta: { capabilities } }: Waiter): void {
    for (const [key, { id, method, input }] of this.#questions ?? []) {
      const missing = undeclared(
        { method, params: isObject(input.params) ? input.params : {} },
        capabilities,
      );
      if (!missing) continue;
      this.#questions?.delete(key);
      this.#refused = { ...this.#refused, ...missing };
      this.#say({ message: errorOf(id, notDeclared(method)) });
    }
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      background(this.#putQuestions(), "questions of a call", this.#options.emit);
    }, GATHER_MS);
  }

  /** Answers the request with what the server wants to know; the call waits then. */
  async #putQuestions(): Promise<void> {
    const waiter = this.#waiter;
    if (!waiter) return;
    this.#refuseUndeclared(waiter);
    const asked = new Map(this.#questions);
    if (asked.size === 0) return;
    // From here on there is nobody to be told anything.
    this.#left = waiter;
    this.#waiter = undefined;
    this.#options.asking?.asked();
    try {
      const requestState = await this.#options.parking.park(this);
      waiter.answer(this.#demand(waiter.id, asked, requestState));
    } catch (error) {
      waiter.answer({ message: errorOf(waiter.id, toRpcError(error)) });
      this.end();
    }
  }

  #demand(id: RequestId, asked: ReadonlyMap<string, Question>, requestState: string): Envelope {
    const { input, json } = inputRequestsOf(asked);
    const rest = JSON.stringify(this.#inputRequired({ requestState }));
    return spelledResult(
      resultOf(id, this.#inputRequired({ inputRequests: input, requestState })),
      `{"inputRequests":${json},${rest.slice(1)}`,
    );
  }

  #inputRequired(asked: Params): Params {
    const { serverInfo } = this.#options.server.initialized;
    return {
      resultType: "input_required",
      ...asked,
      ...serverInfo !== undefined && { _meta: withServer(undefined, serverInfo) },
    };
  }

  // --- what becomes of it ---

  #finish(envelope: Envelope): void {
    const waiter = this.#waiter;
    if (!waiter) return;
    waiter.answer(this.#answerTo(waiter, envelope));
    this.end();
  }

  #answerTo({ id, meta }: Waiter, envelope: Envelope): Envelope {
    const { message } = envelope;
    const { request: { method }, server: { initialized: { serverInfo } } } = this.#options;
    if (!isResponse(message)) return envelope;
    if (this.#refused && hasFailed(message)) {
      return { message: errorOf(id, missingCapability(this.#refused)) };
    }
    const urls = "error" in message && message.error.code === RpcCode.urlElicitationRequired &&
      mayAsk(method) && urlQuestions(message.error.data);
    if (!urls) return modernAnswer(envelope, message, { id, method, serverInfo });
    const elicitation = isObject(meta.capabilities.elicitation) ? meta.capabilities.elicitation : {};
    return isObject(elicitation.url)
      ? { message: resultOf(id, this.#inputRequired({ inputRequests: urls })) }
      : { message: errorOf(id, missingCapability({ elicitation: { url: {} } })) };
  }

  #tell(envelope: Envelope): void {
    envelope.relatesTo = this.#waiter?.id;
    this.#waiter?.tell(envelope);
  }

  #say(envelope: Envelope): void {
    const { server: { channel } } = this.#options;
    try {
      void Promise.resolve(channel.send(envelope)).catch((error) => this.#lost(error));
    } catch (error) {
      this.#lost(error);
    }
  }

  /** What of a question is not handed on. */
  #tellLeftOut({ method, params = {} }: JsonRpcRequest): void {
    const names = NOT_ASKED.filter((name) => params[name] !== undefined);
    if (names.length > 0) {
      this.#drop(`2026-07-28 has no ${names.join(" and no ")} of ${method}: it is asked without`);
    }
  }

  #dropUnheard({ method }: JsonRpcNotification): void {
    this.#drop(`${method} comes while the call waits for its client: nobody is there to be told`);
  }

  #drop(reason: string): void {
    const { session, emit } = this.#options;
    emit({ type: "message.dropped", session, direction: "down", reason });
  }
}

function notDeclared(method: string): JsonRpcErrorObject {
  return unknown(`${quoted(method)} cannot be asked: the client does not declare it`);
}

function spelledId(id: RequestId): string {
  return typeof id === "string" ? JSON.stringify(id) : `${id}`;
}

/** The result with its own spelling. */
function spelledResult(message: JsonRpcResult, json: string): Envelope {
  return { message, text: `{"jsonrpc":"2.0","id":${spelledId(message.id)},"result":${json}}` };
}

function unknown(message: string): JsonRpcErrorObject {
  return { code: RpcCode.methodNotFound, message };
}

/** Also a tool tells of a failure in its result. */
function hasFailed(message: JsonRpcResponse): boolean {
  return "error" in message || (isObject(message.result) && message.result.isError === true);
}
