/**
 * One request of a modern client at a legacy server. When the server asks its client something, the request is answered
 * with the questions, and the call waits, at the server and here, until the client comes back with the answers.
 */
import type { Envelope } from "../../core/channel.ts";
import { BackendError, GatewayError, toRpcError } from "../../core/errors.ts";
import { background, type Sink } from "../../core/events.ts";
import { cancelledId, requestedTool } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type Params,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { SharedClient } from "../sharing/shared_client.ts";
import { finalAnswer, leftOutOfUrls, questionsAnswer } from "./call_answers.ts";
import { CallQuestions, leftOutOf } from "./call_questions.ts";
import { levelRequest, reportTo } from "./call_reports.ts";
import { leave, type LegacyServer } from "./legacy_conversation.ts";
import type { Waiter } from "./waiter.ts";

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
  /** Settles when the call may go on to where it may ask; nothing where it may do so at once. */
  begin(): Promise<void> | void;
  /** The server asks something for it, or may do so. */
  suspected(): void;
  /** It waits for its client, and asks nothing more until that has answered. */
  asked(): void;
  over(): void;
}

export class LegacyCall {
  readonly #server: LegacyServer;
  readonly #request: JsonRpcRequest;
  readonly #parking: Parking;
  readonly #asking: Asking | undefined;
  readonly #session: string;
  readonly #emit: Sink;
  /** Made with the first question: most calls have none. */
  #questions: CallQuestions | undefined;
  /** Who waits for it, or has waited until the call came to its question. */
  #waiter: Waiter;
  /** Its client has been asked, and has not come back. */
  #parked = false;
  /** What its client would have had to declare for what was asked in vain, once that is over. */
  #refused: Params | undefined;
  /** What the server has answered, which waits for its client where that has been asked something. */
  #outcome: Envelope | undefined;
  #over = false;

  constructor(
    waiter: Waiter,
    { server, request, parking, asking, session, emit }: LegacyCallOptions,
  ) {
    this.#waiter = waiter;
    this.#server = server;
    this.#request = request;
    this.#parking = parking;
    this.#asking = asking;
    this.#session = session;
    this.#emit = emit;
    const { channel, incoming } = server;
    if (asking && channel instanceof SharedClient) channel.onSuspected = () => asking.suspected();
    incoming.read((said) => this.#hear(said), (failure) => this.#lost(failure?.error));
  }

  /** Names it in events. */
  get session(): string {
    return this.#session;
  }

  get method(): string {
    return this.#request.method;
  }

  get tool(): string | undefined {
    return requestedTool(this.#request);
  }

  /** Nobody waits for it any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Asks the server: `envelope` is the request as it is to be sent. */
  begin(envelope: Envelope): void {
    const { capabilities } = this.#server.initialized;
    const level = levelRequest(this.#waiter, capabilities);
    if (level) this.#say(level);
    this.#say(envelope);
  }

  /** Settles when it may go on with what its client has answered. */
  async again(): Promise<void> {
    if (!this.#outcome) await this.#asking?.begin();
  }

  /**
   * Its client comes back, with answers to what it was asked; what is not among them is asked again. `envelope` is what
   * has them as they are spelled.
   */
  resume(waiter: Waiter, responses: Params, envelope: Envelope): void {
    this.#waiter = waiter;
    this.#parked = false;
    if (this.#outcome) return this.#answer(this.#outcome);
    const questions = this.#questions;
    questions?.settle(responses, envelope);
    // The server may have turned out to be gone.
    if (!this.#over && questions && questions.open.size > 0) questions.gather();
  }

  /** Nobody waits for it any more: the server is told so, unless it has answered. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#outcome) this.#free();
  }

  #free(): void {
    this.#questions?.[Symbol.dispose]();
    this.#asking?.over();
    const left = leave(this.#server, this.#emit, this.#outcome ? undefined : this.#request.id);
    background(left, "end of a call", this.#emit);
  }

  // --- what the server says ---

  #hear(envelope: Envelope): void {
    if (this.#over || this.#outcome) return;
    const { message } = envelope;
    if (isRequest(message)) return this.#ask(envelope, message);
    if (!isResponse(message)) return this.#note(envelope, message);
    if (message.id === this.#request.id) this.#settle(envelope);
  }

  #note(envelope: Envelope, message: JsonRpcNotification): void {
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) return this.#questions?.withdraw(cancelled);
    const { method } = message;
    if (method === Method.elicitationComplete) {
      return this.#drop(`2026-07-28 has no ${method}: the client comes back when it is done`);
    }
    // What changes at the server is for those who listen.
    const report = reportTo(this.#waiter, envelope, message);
    if (!report) return;
    if (!this.#parked) return this.#waiter.tell(report);
    this.#drop(`${method} comes while the call waits for its client: nobody is there to be told`);
  }

  #lost(error: unknown): void {
    if (this.#over || this.#outcome) return;
    this.#settle({ message: errorOf(this.#request.id, toRpcError(lossOf(error))) });
  }

  // --- what it asks ---

  #ask(envelope: Envelope, message: JsonRpcRequest): void {
    if (message.method === Method.ping) return this.#say({ message: resultOf(message.id, {}) });
    const questions = this.#questions ??= this.#newQuestions();
    const declared = this.#parked ? undefined : this.#waiter.meta.capabilities;
    const refusal = questions.add(envelope, message, declared);
    if (refusal !== undefined) return this.#drop(refusal);
    const leftOut = leftOutOf(message);
    if (leftOut !== undefined) this.#drop(leftOut);
    this.#asking?.suspected();
    if (!this.#parked) questions.gather();
  }

  #newQuestions(): CallQuestions {
    return new CallQuestions(this.method, {
      say: (said) => this.#say(said),
      onGathered: () => background(this.#putQuestions(), "questions of a call", this.#emit),
    });
  }

  /** Answers the request with what the server wants to know; the call waits then. */
  async #putQuestions(): Promise<void> {
    const { serverInfo } = this.#server.initialized;
    const waiter = this.#waiter;
    this.#questions?.refuseUndeclared(waiter.meta.capabilities);
    const asked = new Map(this.#questions?.open);
    if (this.#over || asked.size === 0) return;
    // From here on there is nobody to be told anything.
    this.#parked = true;
    this.#asking?.asked();
    const { id } = waiter;
    try {
      const requestState = await this.#parking.park(this);
      waiter.answer(questionsAnswer(asked, requestState, { id, serverInfo }));
    } catch (error) {
      waiter.answer({ message: errorOf(id, toRpcError(error)) });
      this.end();
    }
  }

  // --- what becomes of it ---

  /** Nothing is wanted of the server any more. Who was asked something gets this on coming back, in the place of more questions. */
  #settle(outcome: Envelope): void {
    this.#outcome = outcome;
    this.#refused = this.#questions?.refused;
    if (!this.#parked) this.#answer(outcome);
    this.#free();
    this.#questions = undefined;
  }

  #answer(outcome: Envelope): void {
    const { serverInfo } = this.#server.initialized;
    const { id, meta: { capabilities } } = this.#waiter;
    const asker = { capabilities, refused: this.#refused };
    this.#over = true;
    const answer = finalAnswer(outcome, { id, method: this.method, serverInfo }, asker);
    const leftOut = leftOutOfUrls(outcome, answer);
    if (leftOut !== undefined) this.#drop(leftOut);
    this.#waiter.answer(answer);
  }

  #say(envelope: Envelope): void {
    try {
      const room = this.#server.channel.send(envelope);
      room?.catch((error) => this.#lost(error));
    } catch (error) {
      this.#lost(error);
    }
  }

  #drop(reason: string): void {
    this.#emit({ type: "message.dropped", session: this.#session, direction: "down", reason });
  }
}

function lossOf(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new BackendError("The MCP server closed the connection", { cause: error });
}
