/** What a server wants to know before it goes on with a call (2026-07-28, "Multi Round-Trip Requests"). */
import type { Envelope } from "../../../core/channel.ts";
import { Method } from "../../../core/mcp/methods.ts";
import { isObject, type JsonRpcResult, objectIn, type Params } from "../../../core/message/jsonrpc.ts";
import { quoted } from "../../../base/outside.ts";
import { jsonAt } from "../../../wire/anew_spelled.ts";
import { isQuestion, undeclared } from "../input_requests.ts";

/** A question as it is asked of a client. */
export interface Question {
  /** What the server calls it. */
  readonly key: string;
  readonly method: string;
  readonly params: Params | undefined;
  /** How `params` are spelled. */
  readonly json: string | undefined;
}

export interface Demand {
  readonly questions: readonly Question[];
  /** What the server wants to have back with the answers, and how that is spelled. */
  readonly state: { readonly value: string; readonly json: string } | undefined;
}

/** Why a demand cannot be met. `broken`: it is none that the protocol knows. */
export interface Unmet {
  readonly why: string;
  readonly broken: boolean;
}

const DEMANDS = ["result", "inputRequests"];
const STATE = ["result", "requestState"];

export function isUnmet(demand: Demand | Unmet): demand is Unmet {
  return "why" in demand;
}

/** What is demanded of a client that can be asked what these capabilities say. */
export function demandIn(
  envelope: Envelope,
  { result }: JsonRpcResult,
  declared: Params,
): Demand | Unmet {
  const { inputRequests = {}, requestState } = objectIn(result);
  if (!isObject(inputRequests)) return broken("its inputRequests are not an object");
  if (requestState !== undefined && typeof requestState !== "string") {
    return broken("its requestState is not a string");
  }
  const entries = Object.entries(inputRequests);
  if (entries.length === 0 && requestState === undefined) {
    return broken("it has neither inputRequests nor a requestState");
  }
  const questions: Question[] = [];
  for (const [key, asked] of entries) {
    const unmet = whyUnmet(key, asked, declared);
    if (unmet) return unmet;
    questions.push(questionIn(envelope, key, asked));
  }
  const state = requestState === undefined
    ? undefined
    : { value: requestState, json: jsonAt(envelope, STATE, requestState) };
  return { questions, state };
}

function questionIn(envelope: Envelope, key: string, asked: unknown): Question {
  const { method, params } = objectIn(asked);
  const known = isObject(params) ? params : undefined;
  const json = known && jsonAt(envelope, [...DEMANDS, key, "params"], known);
  return { key, method: String(method), params: known, json };
}

function whyUnmet(key: string, asked: unknown, declared: Params): Unmet | undefined {
  if (!isObject(asked) || typeof asked.method !== "string") return broken(`${quoted(key)} is no request`);
  const { method, params } = asked;
  if (!isQuestion(method)) {
    return broken(`${quoted(key)} asks ${quoted(method)}, which no client answers`);
  }
  if (params === undefined ? method !== Method.listRoots : !isObject(params)) {
    return broken(`${quoted(key)} (${method}) has no params`);
  }
  if (!undeclared({ method, params: objectIn(params) }, declared)) return undefined;
  return { why: `${quoted(key)} (${method}) needs what the client does not offer`, broken: false };
}

function broken(why: string): Unmet {
  return { why, broken: true };
}
