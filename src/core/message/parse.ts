/** The one place where text becomes a message. */
import { RequestError, RpcCode } from "../errors.ts";
import type { Kept } from "./kept.ts";
import { errorOf, isId, isObject, type JsonRpcMessage, type RequestId } from "./jsonrpc.ts";
import { isRounded, largeInteger } from "./large_integer.ts";
import { spelledAt } from "./members.ts";
import { elementsOf, excessIn, type MessageLimits, tooManyMessages, USUAL_LIMITS } from "./message_limits.ts";
import { answerIdsIn, type Outline, outlinesOf } from "./outline.ts";
import { type Path, putAt, valueAt } from "./path.ts";

/** More askers than mostly are allowed to wait at a time. */
const MAX_TOLD = 1_000;

/** One message as somebody has said it: the beginning of its envelope. */
export interface Said {
  readonly message: JsonRpcMessage;
  /** Its own; of a message that was put in place of another one there is none. */
  readonly text: string | undefined;
  readonly relatesTo: undefined;
}

/** Where a message names a request. */
const NAMES: readonly Path[] = [
  ["id"],
  ["params", "_meta", "progressToken"],
  ["params", "progressToken"],
  ["params", "requestId"],
];

/** What a server has said in one text. */
interface ParsedText {
  /** Also what the askers are told whose answers were refused: nothing better will come. */
  readonly messages: readonly Said[];
  /** Why not all of it was taken. */
  readonly refusal: RequestError | undefined;
}

interface CandidateMessage {
  jsonrpc?: unknown;
  id?: unknown;
  method?: unknown;
  params?: unknown;
  result?: unknown;
  error?: unknown;
}

/**
 * Parses one message. Throws RequestError -32700 for text that is not JSON, -32600 for JSON that is no message or is not
 * within the limits; the latter names the request where its id can be told.
 */
export function parseMessage(text: string, limits = USUAL_LIMITS): JsonRpcMessage {
  refuseExcess(text, limits);
  return asMessage(parseJson(text), text);
}

/** Parses what has been parsed before, and found to be a message within its limits. */
export function parseAgain(text: string): JsonRpcMessage {
  return asMessage(parseJson(text), text);
}

/** Parses one message or a batch (2025-03-26); an empty batch is refused. Errors as `parseMessage`. */
export function parseMessages(
  text: string,
  limits = USUAL_LIMITS,
): { said: readonly Said[]; batch: boolean } {
  refuseExcess(text, limits);
  const value = parseJson(text);
  if (!Array.isArray(value)) return { said: [saidIn(value, text)], batch: false };
  if (value.length === 0) throw invalid("the batch is empty");
  if (value.length > limits.maxBatch) throw excessive(tooManyMessages(limits));
  const texts = elementsOf(text);
  return { said: value.map((one, at) => saidIn(one, texts[at] ?? "")), batch: true };
}

/**
 * Takes what a server says, and throws nothing: what is no message is noise, such as a line of its log, whatever `id` that
 * has. An answer that is broken or not within the limits is an error to its asker.
 */
export function parseFromServer(text: string, limits = USUAL_LIMITS): ParsedText {
  const excess = excessIn(text, limits);
  if (excess !== undefined) return refusedExcess(text, excess);
  try {
    const value = parseJson(text);
    if (Array.isArray(value)) return parseServerBatch(text, value, limits);
    return { messages: [saidIn(value, text)], refusal: undefined };
  } catch (error) {
    return refusedText(error, text);
  }
}

function parseServerBatch(text: string, values: readonly unknown[], limits: MessageLimits): ParsedText {
  if (values.length > limits.maxBatch) return refusedExcess(text, tooManyMessages(limits));
  let refusal = values.length === 0 ? invalid("the batch is empty") : undefined;
  const texts = elementsOf(text);
  const messages = values.flatMap((value, at) => {
    const own = texts[at] ?? "";
    try {
      return [saidIn(value, own)];
    } catch (error) {
      refusal ??= asRequestError(error);
      return brokenAnswer(value, own);
    }
  });
  return { messages, refusal };
}

function refusedExcess(text: string, excess: string): ParsedText {
  // Read without parsing the rest.
  const ids = answerIdsIn(outlinesOf(text, MAX_TOLD));
  return { messages: answersInstead(ids, `was refused: it is ${excess}`), refusal: excessive(excess) };
}

function refusedText(error: unknown, text: string): ParsedText {
  const refusal = asRequestError(error);
  const messages = refusal.code === RpcCode.parseError ? [] : brokenAnswer(JSON.parse(text), text);
  return { messages, refusal };
}

function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  throw error;
}

/** What its asker is told, if this was to be an answer. */
function brokenAnswer(value: unknown, text: string): Said[] {
  if (!isObject(value) || value.jsonrpc !== "2.0") return [];
  nameExactly(value, text);
  const { id, method } = value;
  const answers = typeof method !== "string" && ("result" in value || "error" in value);
  return answers && isId(id) ? answersInstead([id], "is not valid JSON-RPC") : [];
}

/** What the askers are told whose answers were left out, since they are too long. */
export function answersTooLong(reason: string, outlines: readonly Outline[]): Said[] {
  return answersInstead(answerIdsIn(outlines), `was refused: ${reason[0]?.toLowerCase()}${reason.slice(1)}`);
}

function answersInstead(ids: readonly RequestId[], why: string): Said[] {
  const error = { code: RpcCode.internalError, message: `The MCP server's answer ${why}` };
  return ids.map((id) => ({ message: errorOf(id, error), text: undefined, relatesTo: undefined }));
}

function refuseExcess(text: string, limits: MessageLimits): void {
  const excess = excessIn(text, limits);
  if (excess === undefined) return;
  const [first, second] = outlinesOf(text, 2);
  throw excessive(excess, first?.method && !second ? first.id : undefined);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RequestError("Parse error: the message is not valid JSON", { code: RpcCode.parseError, cause });
  }
}

function saidIn(value: unknown, text: string): Said {
  return { message: asMessage(value, text), text, relatesTo: undefined };
}

function asMessage(value: unknown, text: string): JsonRpcMessage {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("it is not an object");
  }
  const candidate: CandidateMessage = value;
  dropNulls(candidate);
  if (candidate.jsonrpc !== "2.0") throw invalid('"jsonrpc" is not "2.0"');
  checkShape(candidate);
  nameExactly(candidate, text);
  // The checks above are the proof: from here on the type is trusted.
  return value as JsonRpcMessage;
}

/** Some serialisers write every field: null then means that there is none, where one reading is left. */
function dropNulls(value: CandidateMessage): void {
  if (value.params === null) delete value.params;
  if (value.method === null) delete value.method;
  if (value.error === null && (value.result !== undefined || value.method !== undefined)) delete value.error;
  if (value.result === null && (value.error !== undefined || value.method !== undefined)) delete value.result;
}

function checkShape(value: CandidateMessage): void {
  if (value.method !== undefined) checkCall(value);
  else checkAnswer(value);
}

function checkCall(value: CandidateMessage): void {
  if (typeof value.method !== "string") throw invalid('"method" is not a string');
  if ("id" in value && !isId(value.id)) throw invalid('"id" is neither a string nor a number');
  const { params } = value;
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    throw invalid('"params" is not an object');
  }
}

function checkAnswer(value: CandidateMessage): void {
  if ("error" in value) {
    const { error } = value;
    if (typeof error !== "object" || error === null) throw invalid('"error" is not an object');
    if (value.id !== null && value.id !== undefined && !isId(value.id)) {
      throw invalid('"id" is neither a string nor a number');
    }
  } else if (!("result" in value)) {
    throw invalid('it has neither "method" nor "result" nor "error"');
  } else if (!isId(value.id)) {
    throw invalid('"id" is neither a string nor a number');
  }
}

/** Names are compared: two that a number holds as one must not become one. That costs a look at the text, and is rare. */
function nameExactly(value: CandidateMessage, text: string): void {
  if (!hasRoundedName(value)) return;
  for (const path of NAMES) {
    const name = isRounded(valueAt(value, path)) && largeInteger(spelledAt(text, path) ?? "");
    if (name) putAt(value, path, name);
  }
}

function hasRoundedName({ id, method, params }: CandidateMessage): boolean {
  if (isRounded(id)) return true;
  if (method === undefined || !isObject(params)) return false;
  const { _meta: meta, progressToken, requestId } = params;
  return isRounded(progressToken) || isRounded(requestId) ||
    (isObject(meta) && isRounded(meta.progressToken));
}

/** A message that was parsed before, in which texts stand for what is kept; what is no name stays none. */
export function parseKept(kept: Kept): JsonRpcMessage {
  const message = JSON.parse(kept.json);
  dropNulls(message);
  for (const path of NAMES) {
    const spelling = kept.spellingOf(valueAt(message, path));
    if (spelling !== undefined && !isId(JSON.parse(spelling))) putAt(message, path, JSON.parse(spelling));
  }
  return message;
}

function excessive(excess: string, requestId?: RequestId): RequestError {
  return new RequestError(`Invalid Request: ${excess} is not taken`, {
    code: RpcCode.invalidRequest,
    requestId: requestId ?? null,
  });
}

function invalid(why: string): RequestError {
  return new RequestError(`Invalid Request: not a valid JSON-RPC message, ${why}`, {
    code: RpcCode.invalidRequest,
  });
}
