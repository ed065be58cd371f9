/**
 * What a legacy server asks in the middle of a call, as an input request of 2026-07-28 (its page on multi round-trip
 * requests): the call is answered with the questions, and comes again with the answers.
 */
import type { Envelope } from "../../core/channel.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  isObject,
  type JsonRpcRequest,
  objectIn,
  type Params,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { jsonOf } from "../../wire/anew.ts";

/** The requests of clients that may be answered with a question ("Supported Requests"). */
const MAY_ASK = new Set<string>([Method.callTool, Method.getPrompt, Method.readResource]);

/** Whether this request of a client may be answered with a question. */
export function mayAsk(method: string): boolean {
  return MAY_ASK.has(method);
}

/** The capability that each question needs. */
const CAPABILITY: Readonly<Record<string, string>> = {
  [Method.elicit]: "elicitation",
  [Method.createMessage]: "sampling",
  [Method.listRoots]: "roots",
};

/** Whether it can be asked of a modern client at all. */
export function isQuestion(method: string): boolean {
  return Object.hasOwn(CAPABILITY, method);
}

/** What a client declares, as a legacy server is told it: of what it can ask. */
export function askableIn(capabilities: Params): Params {
  const kept = Object.values(CAPABILITY).filter((name) => isObject(capabilities[name]));
  return Object.fromEntries(kept.map((name) => [name, capabilities[name]]));
}

/** What a server is told that many clients share: each question is held against what its own client declares. */
export const ALL_ASKABLE: Params = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

/** The part of this question's capability that the client has not declared; undefined where it may be asked. */
export function undeclared(
  { method, params }: Pick<JsonRpcRequest, "method" | "params">,
  capabilities: Params,
): Params | undefined {
  const name = CAPABILITY[method];
  if (name === undefined) return undefined;
  const declared = capabilities[name];
  const part = partOf(method, params);
  if (isObject(declared) && hasPart(declared, part)) return undefined;
  return { [name]: part === undefined ? {} : { [part]: {} } };
}

/** The mode of an elicitation, and tools of a sampling, are declared by themselves. Some write null for what they do not say. */
function partOf(method: string, { mode, tools, toolChoice }: Params = {}): string | undefined {
  if (method === Method.elicit) return mode === "url" ? "url" : "form";
  const usesTools = (tools ?? toolChoice ?? undefined) !== undefined;
  return method === Method.createMessage && usesTools ? "tools" : undefined;
}

/** Who names no mode of elicitation takes forms (its page, "Capabilities"), and who names one takes no other. */
function hasPart(declared: Params, part: string | undefined): boolean {
  if (part === undefined || isObject(declared[part])) return true;
  return part === "form" && (declared.url ?? undefined) === undefined;
}

/** What a server has asked. */
export interface Question {
  /** As the server calls it. */
  readonly id: RequestId;
  readonly method: string;
  /** As its client is asked it, and how that is spelled. */
  readonly input: Params;
  readonly json: string;
}

export function questionOf(envelope: Envelope, message: JsonRpcRequest): Question {
  const { id, method } = message;
  return { id, method, input: inputRequestOf(message), json: jsonOf(envelope, message, inputRequestOf) };
}

/** The `inputRequests` that these are by their keys. */
export function inputRequestsOf(questions: ReadonlyMap<string, Question>): Pick<Question, "input" | "json"> {
  const all = [...questions];
  const members = all.map(([key, { json }]) => `${JSON.stringify(key)}:${json}`);
  return {
    input: Object.fromEntries(all.map(([key, { input }]) => [key, input])),
    json: `{${members.join(",")}}`,
  };
}

/** Members of questions that this revision does not have. */
export const NOT_ASKED = ["task", "elicitationId"] as const;

/** The question as it stands in `inputRequests`: without what belongs to the server's own request for it. */
function inputRequestOf({ method, params }: JsonRpcRequest): Params {
  if (params === undefined) return { method };
  const { _meta, task: _, elicitationId: __, ...asked } = params;
  const { progressToken: ___, ...meta } = objectIn(_meta);
  const hasMeta = Object.keys(meta).length > 0;
  return { method, params: { ...asked, ...hasMeta && { _meta: meta } } };
}

/** Whether this can be the answer to a question of this kind: one that cannot is asked for again. */
export function answers(method: string, response: unknown): response is Params {
  if (!isObject(response)) return false;
  if (method === Method.elicit) return typeof response.action === "string";
  if (method === Method.listRoots) return Array.isArray(response.roots);
  return typeof response.role === "string" && response.content !== undefined;
}

/** The URLs that a server of 2025-11-25 wants to be visited before it answers (its error -32042), as questions. */
export function urlQuestions(data: unknown): Params | undefined {
  const elicitations = isObject(data) && Array.isArray(data.elicitations) ? data.elicitations : [];
  const asked = elicitations.filter(isObject).filter(({ url }) => typeof url === "string");
  if (asked.length === 0) return undefined;
  return Object.fromEntries(asked.map(({ url, message = "" }, index) => [
    `url_${index + 1}`,
    { method: Method.elicit, params: { mode: "url", url, message } },
  ]));
}
