/** What a request of a modern client is answered: in the end, or when the server wants to know something first. */
import type { Envelope } from "../../core/channel.ts";
import { RpcCode } from "../../core/errors.ts";
import {
  errorOf,
  isObject,
  isResponse,
  type JsonRpcResponse,
  type Params,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { spelledResult } from "../../wire/anew_spelled.ts";
import { inputRequestsOf, mayAsk, type Question, urlQuestions } from "./input_requests.ts";
import { type Answered, missingCapability, modernAnswer, withServer } from "./modern_answers.ts";

/** What is to be known of the client for its answer. */
interface Asker {
  /** What it declares. */
  readonly capabilities: Params;
  /** What it would have had to declare for what the server has asked in vain. */
  readonly refused: Params | undefined;
}

/** What the server has answered, as its client is told it. */
export function finalAnswer(envelope: Envelope, answered: Answered, asker: Asker): Envelope {
  const { message } = envelope;
  const { id, method, serverInfo } = answered;
  const { capabilities: { elicitation }, refused } = asker;
  if (!isResponse(message)) return envelope;
  if (refused && hasFailed(message)) return { message: errorOf(id, missingCapability(refused)) };
  const urls = mayAsk(method) ? urlsWanted(message) : undefined;
  if (!urls) return modernAnswer(envelope, message, answered);
  return isObject(elicitation) && isObject(elicitation.url)
    ? { message: resultOf(id, inputRequired({ inputRequests: urls }, serverInfo)) }
    : { message: errorOf(id, missingCapability({ elicitation: { url: {} } })) };
}

/** What of URLs that `answer` asks to be visited first is not handed on, in words; undefined where there is nothing. */
export function leftOutOfUrls({ message }: Envelope, { message: answer }: Envelope): string | undefined {
  // Nothing else makes a result of an error.
  if (!isResponse(message) || !("error" in message) || !("result" in answer)) return undefined;
  const { data } = message.error;
  const elicitations = isObject(data) && Array.isArray(data.elicitations)
    ? data.elicitations.filter(isObject)
    : [];
  return elicitations.some(({ elicitationId }) => elicitationId !== undefined)
    ? "2026-07-28 has no elicitationId of a URL: it is asked for without"
    : undefined;
}

/** What the server wants to know, and what its client is to bring with the answers. */
export function questionsAnswer(
  questions: ReadonlyMap<string, Question>,
  requestState: string,
  { id, serverInfo }: Pick<Answered, "id" | "serverInfo">,
): Envelope {
  const { input, json } = inputRequestsOf(questions);
  const rest = JSON.stringify(inputRequired({ requestState }, serverInfo));
  return spelledResult(
    resultOf(id, inputRequired({ inputRequests: input, requestState }, serverInfo)),
    `{"inputRequests":${json},${rest.slice(1)}`,
  );
}

function inputRequired(asked: Params, serverInfo: unknown): Params {
  return {
    resultType: "input_required",
    ...asked,
    ...serverInfo !== undefined && { _meta: withServer(undefined, serverInfo) },
  };
}

function urlsWanted(message: JsonRpcResponse): Params | undefined {
  const wants = "error" in message && message.error.code === RpcCode.urlElicitationRequired;
  return wants ? urlQuestions(message.error.data) : undefined;
}

/** Also a tool tells of a failure in its result. */
function hasFailed(message: JsonRpcResponse): boolean {
  return "error" in message || (isObject(message.result) && message.result.isError === true);
}
