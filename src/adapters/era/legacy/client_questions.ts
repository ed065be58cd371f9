/** What a legacy client is asked on behalf of a call, as requests of their own, and what it answers. */
import { Table } from "../../../base/table.ts";
import { excerpt } from "../../../base/telling.ts";
import type { Envelope } from "../../../core/channel.ts";
import { cancellation } from "../../../core/mcp/messages.ts";
import { Method } from "../../../core/mcp/methods.ts";
import {
  isId,
  isObject,
  type JsonRpcRequest,
  type JsonRpcResponse,
  otherTypeOf,
  type RequestId,
} from "../../../core/message/jsonrpc.ts";
import { jsonAt } from "../../../wire/anew_spelled.ts";
import type { Question } from "./input_demand.ts";
import type { TwoEnds } from "./two_ends.ts";

/** What the questions of a round have come to. */
export interface RoundListener {
  /** The call that they are asked for. */
  readonly id: RequestId;
  /** All are answered: `json` has the answers by the keys of the questions. */
  met(json: string): Promise<void> | void;
  /** One was not; the others are withdrawn. */
  unmet(why: string): Promise<void> | void;
}

/** The questions of one round. */
class Round {
  readonly listener: RoundListener;
  /** The ids of those that are not answered. */
  readonly open = new Set<number>();
  /** Members of a JSON object. */
  readonly answers: string[] = [];

  constructor(listener: RoundListener) {
    this.listener = listener;
  }
}

interface AskedQuestion {
  readonly key: string;
  readonly round: Round;
}

const REASON_CHARS = 500;

export class ClientQuestions {
  readonly #ends: TwoEnds;
  readonly #asked = new Table<number, AskedQuestion>();
  readonly #rounds = new Map<RoundListener, Round>();
  #lastId = 0;

  constructor(ends: TwoEnds) {
    this.#ends = ends;
  }

  /** Asks all of them at once; there must be one. */
  ask(listener: RoundListener, questions: readonly Question[]): Promise<void> | void {
    const round = new Round(listener);
    this.#rounds.set(listener, round);
    let room: Promise<void> | void = undefined;
    for (const question of questions) {
      const id = ++this.#lastId;
      this.#asked.set(id, { key: question.key, round });
      round.open.add(id);
      room = this.#ends.toClient({ ...requestOf(question, id), relatesTo: listener.id });
    }
    return room;
  }

  /** Takes back what is not answered; false where nothing was asked. */
  withdraw(listener: RoundListener, reason: string): boolean {
    const round = this.#rounds.get(listener);
    if (!round) return false;
    this.#rounds.delete(listener);
    for (const id of round.open) {
      this.#asked.take(id);
      void this.#ends.toClient({ message: cancellation(id, reason), relatesTo: listener.id });
    }
    return true;
  }

  /** An answer of the client, also where it has changed the type of the id. */
  hear(envelope: Envelope, message: JsonRpcResponse): Promise<void> | void {
    const id = isId(message.id) && typeof message.id !== "number" ? otherTypeOf(message.id) : message.id;
    const question = typeof id === "number" ? this.#asked.take(id) : undefined;
    if (typeof id !== "number" || !question) return this.#dropAnswer(id ?? null);
    const { key, round } = question;
    round.open.delete(id);
    const why = whyNoAnswer(message);
    if (why !== undefined) return this.#fail(round, why);
    const json = jsonAt(envelope, ["result"], "result" in message && message.result);
    round.answers.push(`${JSON.stringify(key)}:${json}`);
    if (round.open.size > 0) return;
    this.#rounds.delete(round.listener);
    return round.listener.met(`{${round.answers.join(",")}}`);
  }

  #fail(round: Round, why: string): Promise<void> | void {
    this.withdraw(round.listener, "another question of the same call was not answered");
    return round.listener.unmet(why);
  }

  #dropAnswer(id: RequestId | null): void {
    const wasAsked = typeof id === "number" && id >= 1 && id <= this.#lastId;
    this.#ends.drop("up", "it answers no question that is open", wasAsked ? { harmless: true } : undefined);
  }
}

function whyNoAnswer(message: JsonRpcResponse): string | undefined {
  if ("error" in message) return excerpt(String(message.error.message), REASON_CHARS);
  return isObject(message.result) ? undefined : "the client's answer is not an object";
}

/** Until 2025-11-25 who is sent to a URL has to be told a name for that (schema, "ElicitRequestURLParams"). */
function requestOf({ method, params, json }: Question, id: number): Envelope {
  if (!params || json === undefined) return spelled({ jsonrpc: "2.0", id, method }, "");
  const isUrl = method === Method.elicit && params.mode === "url" && !Object.hasOwn(params, "elicitationId");
  if (!isUrl) return spelled({ jsonrpc: "2.0", id, method, params }, `,"params":${json}`);
  const elicitationId = crypto.randomUUID();
  const named = `{"elicitationId":"${elicitationId}",${json.slice(json.indexOf("{") + 1)}`;
  return spelled({ jsonrpc: "2.0", id, method, params: { elicitationId, ...params } }, `,"params":${named}`);
}

function spelled(message: JsonRpcRequest, params: string): Envelope {
  const { id, method } = message;
  return { message, text: `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}${params}}` };
}
