/** The requests of a legacy client that a modern server answers, with as many rounds as that takes. */
import { pause } from "../../../base/retry.ts";
import { Table } from "../../../base/table.ts";
import { quoted } from "../../../base/outside.ts";
import { asText, type Envelope } from "../../../core/channel.ts";
import { RpcCode } from "../../../core/errors.ts";
import { background, type Sink } from "../../../core/events.ts";
import { requestedToken, requestedTool, withCancelledId } from "../../../core/mcp/messages.ts";
import {
  errorOf,
  isObject,
  isRequest,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonRpcResult,
  type Params,
  type ProgressToken,
  type RequestId,
} from "../../../core/message/jsonrpc.ts";
import { editedText } from "../../../wire/anew.ts";
import { anewSpelled } from "../../../wire/anew_spelled.ts";
import { mayAsk } from "../input_requests.ts";
import { type ClientProfile, paramsWithMeta, withRequestMeta } from "./client_profile.ts";
import type { ClientQuestions, RoundListener } from "./client_questions.ts";
import { type Demand, demandIn, isUnmet, type Unmet } from "./input_demand.ts";
import { failureOf, internal, plainError } from "./plain_error.ts";
import { type LossListener, plainAnswer } from "./plain_result.ts";
import type { TwoEnds } from "./two_ends.ts";
import type { Asker, UpstreamRequests } from "./upstream_requests.ts";

interface CallsOptions {
  readonly ends: TwoEnds;
  readonly upstream: UpstreamRequests;
  readonly questions: ClientQuestions;
  readonly profile: ClientProfile;
  readonly maxRounds: number;
  readonly lose: LossListener;
  readonly emit: Sink;
  /** Fires at the end of the conversation. */
  readonly signal: AbortSignal;
}

/** Before a call is repeated for which nobody had to be asked, as the SDKs do. */
const PACE_MS = 250;

/** One request of the client, from its arrival to its answer. */
class Call implements Asker, RoundListener {
  readonly id: RequestId;
  readonly method: string;
  readonly tool: string | undefined;
  readonly token: ProgressToken | undefined;
  /** As it came, where it may have to be repeated. */
  readonly request: Envelope | undefined;
  readonly #calls: Calls;
  /** Under which id it is open at the server. */
  upstreamId = 0;
  /** How often the server has asked for input. */
  rounds = 0;
  state: Demand["state"];

  constructor(calls: Calls, envelope: Envelope, message: JsonRpcRequest) {
    const { id, method } = message;
    this.#calls = calls;
    this.id = id;
    this.method = method;
    this.tool = requestedTool(message);
    this.token = requestedToken(message);
    this.request = mayAsk(method) ? asText(envelope) : undefined;
  }

  hearAnswer(envelope: Envelope, message: JsonRpcResponse): Promise<void> | void {
    return this.#calls.hearAnswer(this, envelope, message);
  }

  met(json: string): Promise<void> | void {
    return this.#calls.repeat(this, json);
  }

  unmet(why: string): Promise<void> | void {
    return this.#calls.fail(this, `What ${quoted(this.method)} needs to know could not be asked: ${why}`);
  }
}

export class Calls {
  readonly #options: CallsOptions;
  readonly #open = new Table<RequestId, Call>();
  readonly #byToken = new Table<ProgressToken, Call>();

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  begin(envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const { ends, profile } = this.#options;
    const { id, params } = message;
    if (params !== undefined && !isObject(params)) {
      const error = { code: RpcCode.invalidParams, message: "Invalid params: they are not an object" };
      return ends.toClient({ message: errorOf(id, error) });
    }
    const call = new Call(this, envelope, message);
    this.#open.set(id, call);
    if (call.token !== undefined) this.#byToken.set(call.token, call);
    return ends.toServer(withRequestMeta(envelope, message, { id: this.#enter(call), meta: profile.meta }));
  }

  /** The client takes a request back. */
  cancel(envelope: Envelope, message: JsonRpcNotification, id: RequestId): Promise<void> | void {
    const { ends, upstream, questions } = this.#options;
    const call = this.#open.get(id);
    if (!call) return;
    this.#close(call);
    // While its client is asked, the server knows nothing of it.
    if (questions.withdraw(call, "the call was cancelled") || !upstream.forget(call.upstreamId)) return;
    return ends.toServer(cancelledUnder(call.upstreamId, envelope, message));
  }

  /** The client's id of what is open at the server under this one. */
  clientIdOf(upstreamId: RequestId): RequestId | undefined {
    const asker = this.#options.upstream.askerOf(upstreamId);
    return asker instanceof Call ? asker.id : undefined;
  }

  hasToken(token: ProgressToken): boolean {
    return this.#byToken.has(token);
  }

  // --- answers ---

  hearAnswer(call: Call, envelope: Envelope, message: JsonRpcResponse): Promise<void> | void {
    if ("error" in message) {
      const answer = plainError(envelope, message, call);
      // A round before has reached the server, whatever became of this one.
      return this.#answer(
        call,
        call.rounds === 0 ? { ...answer, undelivered: envelope.undelivered } : answer,
      );
    }
    const type = isObject(message.result) ? message.result.resultType : undefined;
    if (type === undefined || type === "complete") {
      return this.#answer(call, plainAnswer(envelope, message, call, this.#options.lose));
    }
    if (type === "input_required" && call.request) return this.#ask(call, envelope, message);
    return this.#refuse(
      call,
      `its resultType is ${quoted(type)}, which ${quoted(call.method)} must not have`,
    );
  }

  /** Answers a call that could not be carried out. */
  fail(call: Call, why: string): Promise<void> | void {
    return this.#answer(call, { message: failureOf(call, why) });
  }

  /** The server has broken a rule: that is no matter of the model's. */
  #refuse(call: Call, why: string): Promise<void> | void {
    this.#options.ends.odd(`an answer of it cannot be understood: ${why}`);
    return this.#answer(call, {
      message: internal(call.id, `The MCP server's answer cannot be understood: ${why}`),
    });
  }

  #answer(call: Call, answer: Envelope): Promise<void> | void {
    this.#close(call);
    return this.#options.ends.toClient(answer);
  }

  // --- rounds ---

  #ask(call: Call, envelope: Envelope, message: JsonRpcResult): Promise<void> | void {
    const { maxRounds, questions, profile, signal, emit } = this.#options;
    if (++call.rounds > maxRounds) {
      return this.fail(call, `${quoted(call.method)} still needed input after ${maxRounds} rounds`);
    }
    const demand = demandIn(envelope, message, profile.capabilities);
    if (isUnmet(demand)) return this.#decline(call, demand);
    call.state = demand.state;
    if (demand.questions.length > 0) return questions.ask(call, demand.questions);
    background(this.#repeatLater(call, signal), "repeating a call", emit);
  }

  #decline(call: Call, { why, broken }: Unmet): Promise<void> | void {
    return broken ? this.#refuse(call, why) : call.unmet(why);
  }

  async #repeatLater(call: Call, signal: AbortSignal): Promise<void> {
    try {
      await pause(PACE_MS, signal);
    } catch {
      return; // The conversation is over.
    }
    if (this.#open.get(call.id) === call) this.repeat(call, undefined);
  }

  /** Asks the server once more, with what was answered in this round. */
  repeat(call: Call, answers: string | undefined): void {
    const { ends, profile } = this.#options;
    const { request, state } = call;
    if (!request || !isRequest(request.message)) return;
    const { meta } = profile;
    const id = this.#enter(call);
    const value: unknown = answers === undefined ? undefined : JSON.parse(answers);
    ends.tellServer(anewSpelled(request, request.message, (said, put): JsonRpcRequest => {
      const { inputResponses: _, requestState: __, ...params } = paramsWithMeta(said, meta);
      const inputs: Params = {
        ...answers !== undefined && { inputResponses: put(value, () => answers) },
        ...state && { requestState: put(state.value, () => state.json) },
      };
      return { ...said, id, params: { ...params, ...inputs } };
    }));
  }

  // --- the books ---

  #enter(call: Call): number {
    return call.upstreamId = this.#options.upstream.enter(call);
  }

  #close(call: Call): void {
    if (this.#open.get(call.id) === call) this.#open.take(call.id);
    const { token } = call;
    if (token !== undefined && this.#byToken.get(token) === call) this.#byToken.take(token);
  }
}

function cancelledUnder(requestId: number, { text }: Envelope, message: JsonRpcNotification): Envelope {
  const cancelled = withCancelledId(message, requestId);
  if (text === undefined) return { message: cancelled };
  return {
    message: cancelled,
    text: editedText(text, [{ path: ["params", "requestId"], value: requestId }]),
  };
}
