/** What a legacy server asks for one call of a modern client, until that has answered it. */
import type { Envelope } from "../../core/channel.ts";
import { RpcCode } from "../../core/errors.ts";
import {
  errorOf,
  isObject,
  type JsonRpcErrorObject,
  type JsonRpcRequest,
  type Params,
  type RequestId,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { quoted } from "../../base/outside.ts";
import {
  answers,
  isQuestion,
  mayAsk,
  NOT_ASKED,
  type Question,
  questionOf,
  undeclared,
} from "./input_requests.ts";
import { jsonAt, spelledResult } from "../../wire/anew_spelled.ts";

/** A server that asks several things at once says so in one breath, which is over by then (BREATH_MS of asked_requests.ts). */
const GATHER_MS = 15;

interface CallQuestionsOptions {
  /** Says something to the server. */
  readonly say: (envelope: Envelope) => void;
  /** What was asked can be told: nothing more comes in the same breath. */
  readonly onGathered: () => void;
}

export class CallQuestions implements Disposable {
  readonly #method: string;
  readonly #say: (envelope: Envelope) => void;
  readonly #onGathered: () => void;
  readonly #open = new Map<string, Question>();
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  #refused: Params | undefined;

  /** Of a call of this method. */
  constructor(method: string, { say, onGathered }: CallQuestionsOptions) {
    this.#method = method;
    this.#say = say;
    this.#onGathered = onGathered;
  }

  /** By their keys. */
  get open(): ReadonlyMap<string, Question> {
    return this.#open;
  }

  /** What the client would have had to declare for what the server has asked in vain. */
  get refused(): Params | undefined {
    return this.#refused;
  }

  /** Takes a question of the server's, or refuses it and gives the reason; `capabilities` are those of who waits, if somebody does. */
  add(envelope: Envelope, message: JsonRpcRequest, capabilities: Params | undefined): string | undefined {
    const refusal = this.#impossible(message) ??
      (capabilities && this.#noteUndeclared(message, capabilities));
    if (refusal) {
      this.#say({ message: errorOf(message.id, refusal) });
      return refusal.message;
    }
    this.#open.set(`question_${++this.#asked}`, questionOf(envelope, message));
    return undefined;
  }

  /** Waits for what the server asks in the same breath. */
  gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#onGathered();
    }, GATHER_MS);
  }

  /** Nothing is told of them any more. */
  [Symbol.dispose](): void {
    clearTimeout(this.#gathering);
  }

  /** The server does not want to know this any more. */
  withdraw(id: RequestId): void {
    for (const [key, question] of this.#open) if (question.id === id) this.#open.delete(key);
  }

  /** Gives the server what it was answered; what is not among the answers stays open. `envelope` is what has them as they are spelled. */
  settle(responses: Params, envelope: Envelope): void {
    for (const [key, { id, method }] of this.#open) {
      const response = responses[key];
      if (!answers(method, response)) continue;
      this.#open.delete(key);
      const json = jsonAt(envelope, ["params", "inputResponses", key], response);
      this.#say(spelledResult(resultOf(id, response), json));
    }
  }

  /** Refuses what was asked while nobody waited, or of a client that declares something else now. */
  refuseUndeclared(capabilities: Params): void {
    for (const [key, { id, method, input: { params } }] of this.#open) {
      const refusal = this.#noteUndeclared({ method, params: isObject(params) ? params : {} }, capabilities);
      if (!refusal) continue;
      this.#open.delete(key);
      this.#say({ message: errorOf(id, refusal) });
    }
  }

  #impossible({ method }: JsonRpcRequest): JsonRpcErrorObject | undefined {
    if (!isQuestion(method)) return unknown(`${quoted(method)} cannot be asked of a client of 2026-07-28`);
    if (mayAsk(this.#method)) return undefined;
    return unknown(`${quoted(method)} cannot be asked while ${quoted(this.#method)} is answered`);
  }

  /** Why it cannot be asked, which is remembered as well. */
  #noteUndeclared(
    question: Pick<JsonRpcRequest, "method" | "params">,
    capabilities: Params,
  ): JsonRpcErrorObject | undefined {
    const missing = undeclared(question, capabilities);
    if (!missing) return undefined;
    this.#refused = { ...this.#refused, ...missing };
    return unknown(`${quoted(question.method)} cannot be asked: the client does not declare it`);
  }
}

/** What of a question is not handed on, in words; undefined where all of it is. */
export function leftOutOf({ method, params = {} }: JsonRpcRequest): string | undefined {
  const names = NOT_ASKED.filter((name) => params[name] !== undefined);
  if (names.length === 0) return undefined;
  return `2026-07-28 has no ${names.join(" and no ")} of ${method}: it is asked without`;
}

function unknown(message: string): JsonRpcErrorObject {
  return { code: RpcCode.methodNotFound, message };
}
