/**
 * What the answer to a POST says of a server's era, and what its client is told where it is no 2xx (2026-07-28, Streamable
 * HTTP page, "Backward Compatibility", and versioning page).
 */
import type { Envelope, Undelivered } from "../../core/channel.ts";
import { RpcCode } from "../../core/errors.ts";
import { isModernError } from "../../core/mcp/eras.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  isResponse,
  type JsonRpcErrorObject,
  type JsonRpcMessage,
  type JsonRpcRequest,
  otherTypeOf,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { failureAnswer, RemoteError, saidTo, untaken } from "./remote_error.ts";

/** A server says so that does not know what it was sent, if it says nothing else that is known. */
const OF_ANOTHER_ERA = [400, 404, 405];
/** Said by whoever stands before the server, or by the server before it has read anything. */
const NO_ANSWER = [401, 403, 429, 503];

const FOREIGN: Undelivered = { again: "never", why: "foreign" };
const NO_EVIDENCE: Undelivered = { again: "later" };

/** A refused `initialize` as its answer. A server that knows no handshake says so in the words of its era. */
export function handshakeFailure(id: RequestId, error: unknown, session: { sessionLost: boolean }): Envelope {
  return modernRefusal(id, error) ?? failureAnswer(id, untaken(error), session);
}

/** What the server says to this request, whatever status carries it; undefined where the error is no answer. */
export function answerIn(id: RequestId, error: unknown): Envelope | undefined {
  return modernRefusal(id, error) ?? ownAnswer(id, error);
}

/**
 * A failed POST as the answer to its request. That of a server of another era is `foreign`. Of `server/discover` each
 * answer says which it is: without a verdict the server is of this era, `foreign` it is not, and any other verdict says
 * nothing about it.
 */
export function modernFailure({ id, method }: JsonRpcRequest, error: unknown): Envelope {
  const discovers = method === Method.discover;
  const said = discovers ? modernRefusal(id, error) : answerIn(id, error);
  if (said) return said;
  if (isOfAnotherEra(error)) return { ...failureAnswer(id, error), undelivered: FOREIGN };
  if (!discovers) return failureAnswer(id, error);
  const answer = failureAnswer(id, untaken(error));
  return { ...answer, undelivered: answer.undelivered ?? NO_EVIDENCE };
}

/** What a server says to `server/discover` with a 2xx, with the verdict that `modernFailure` speaks of. */
export function judgedDiscovery(envelope: Envelope): Envelope {
  const { message } = envelope;
  if (!isResponse(message) || !("error" in message) || isModernError(message.error)) return envelope;
  return { ...envelope, undelivered: FOREIGN };
}

/** Whether the headers of a request were refused, and not what it says. */
export function isHeaderMismatch(error: unknown): boolean {
  return error instanceof RemoteError && error.answer?.message.error.code === RpcCode.headerMismatch;
}

/** The answer by which a server shows that it speaks this era. */
function modernRefusal(id: RequestId, error: unknown): Envelope | undefined {
  return error instanceof RemoteError && isModernRefusal(error) ? saidTo(id, error) : undefined;
}

function isModernRefusal({ remoteStatus, answer }: RemoteError): boolean {
  const error = answer?.message.error;
  if (!error) return false;
  if (remoteStatus === 404) return error.code === RpcCode.methodNotFound || isModernError(error);
  return isModernError(error) || (remoteStatus === 400 && isAboutMeta(error));
}

/** Servers of other eras have this code as well, for parameters that they do know. */
function isAboutMeta({ code, message, data }: JsonRpcErrorObject): boolean {
  if (code !== RpcCode.invalidParams) return false;
  return /\b_meta\b|io\.modelcontextprotocol\//.test(`${message} ${JSON.stringify(data)}`);
}

function ownAnswer(id: RequestId, error: unknown): Envelope | undefined {
  if (!(error instanceof RemoteError) || NO_ANSWER.includes(error.remoteStatus ?? 0)) return undefined;
  return error.answer && isNamed(error.answer.message, id) ? saidTo(id, error) : undefined;
}

function isNamed(message: JsonRpcMessage, id: RequestId): boolean {
  if (!isResponse(message) || message.id === null || message.id === undefined) return false;
  return message.id === id || otherTypeOf(message.id) === id;
}

function isOfAnotherEra(error: unknown): boolean {
  return error instanceof RemoteError && OF_ANOTHER_ERA.includes(error.remoteStatus ?? 0);
}
