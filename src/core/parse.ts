/** The one place where text becomes a message. */
import { RequestError, RpcCode } from "./errors.ts";
import { isId, type JsonRpcMessage, type RequestId } from "./jsonrpc.ts";

interface CandidateMessage {
  jsonrpc?: unknown;
  id?: unknown;
  method?: unknown;
  params?: unknown;
  result?: unknown;
  error?: unknown;
}

/** Parses one message. Throws RequestError -32700 for text that is not JSON, -32600 for JSON that is no message. */
export function parseMessage(text: string): JsonRpcMessage {
  return asMessage(parseJson(text));
}

/** Parses one message or a batch (2025-03-26); an empty batch is refused. Errors as `parseMessage`. */
export function parseMessages(text: string): { messages: JsonRpcMessage[]; batch: boolean } {
  const value = parseJson(text);
  if (!Array.isArray(value)) return { messages: [asMessage(value)], batch: false };
  if (value.length === 0) throw invalid("the batch is empty");
  return { messages: value.map(asMessage), batch: true };
}

/** The id of the request that a malformed answer was meant for; undefined for everything else. */
export function malformedAnswerId(text: string): RequestId | undefined {
  try {
    const value: CandidateMessage | null = JSON.parse(text);
    return typeof value === "object" && value?.method === undefined && isId(value?.id) ? value.id : undefined;
  } catch {
    return undefined;
  }
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

function invalid(why: string): RequestError {
  return new RequestError(`Invalid Request: not a valid JSON-RPC message, ${why}`, {
    code: RpcCode.invalidRequest,
  });
}
