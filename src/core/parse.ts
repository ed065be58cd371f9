/** The one place where text becomes a message. */
import { RequestError, RpcCode } from "./errors.ts";
import { errorOf, isId, type JsonRpcError, type JsonRpcMessage, type RequestId } from "./jsonrpc.ts";
import { excessIn, type MessageLimits, tooManyMessages, USUAL_LIMITS } from "./message_limits.ts";
import { outlinesOf } from "./outline.ts";

/** More askers than mostly are allowed to wait at a time. */
const MAX_TOLD = 1_000;

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
  return asMessage(parseJson(text));
}

/** Parses one message or a batch (2025-03-26); an empty batch is refused. Errors as `parseMessage`. */
export function parseMessages(
  text: string,
  limits = USUAL_LIMITS,
): { messages: JsonRpcMessage[]; batch: boolean } {
  refuseExcess(text, limits);
  const value = parseJson(text);
  if (!Array.isArray(value)) return { messages: [asMessage(value)], batch: false };
  if (value.length === 0) throw invalid("the batch is empty");
  if (value.length > limits.maxBatch) throw excessive(tooManyMessages(limits));
  return { messages: value.map(asMessage), batch: true };
}

/**
 * What the askers are told whose answers are in a text that was refused: nothing better will come. Nothing where it
 * cannot be told whose answers these were.
 */
export function answersInstead(text: string, limits = USUAL_LIMITS): JsonRpcError[] {
  const excess = excessIn(text, limits);
  const ids = excess === undefined ? malformedAnswerIds(text) : excessiveAnswerIds(text);
  const why = excess === undefined ? "is not valid JSON-RPC" : `was refused: it is ${excess}`;
  const error = { code: RpcCode.internalError, message: `The MCP server's answer ${why}` };
  return ids.map((id) => errorOf(id, error));
}

function malformedAnswerIds(text: string): RequestId[] {
  try {
    const value: unknown = JSON.parse(text);
    const candidates: (CandidateMessage | null)[] = Array.isArray(value) ? value : [value];
    return candidates.flatMap((one) => one?.method === undefined && isId(one?.id) ? [one.id] : []);
  } catch {
    return [];
  }
}

/** Read without parsing the rest. */
function excessiveAnswerIds(text: string): RequestId[] {
  return outlinesOf(text, MAX_TOLD).flatMap(({ id, method }) => id === undefined || method ? [] : [id]);
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

function asMessage(value: unknown): JsonRpcMessage {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("it is not an object");
  }
  const candidate: CandidateMessage = value;
  // Some serialisers write every field: null then means that there is none.
  if (candidate.params === null) delete candidate.params;
  if (candidate.error === null && candidate.result !== undefined) delete candidate.error;
  if (candidate.jsonrpc !== "2.0") throw invalid('"jsonrpc" is not "2.0"');
  checkShape(candidate);
  // The checks above are the proof: from here on the type is trusted.
  return value as JsonRpcMessage;
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
