/** What went wrong with a remote server, in words that name it, and whether the request can be sent again. */
import type { Envelope, Undelivered } from "../../core/channel.ts";
import { BackendError, type BackendErrorOptions, GatewayError, toRpcError } from "../../core/errors.ts";
import {
  answersSole,
  errorOf,
  isObject,
  type JsonRpcError,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { parseMessage } from "../../core/message/parse.ts";
import { cut } from "../../base/outside.ts";
import { excerpt } from "../../base/telling.ts";
import { optionName } from "../../base/option_name.ts";
import { withAnswerId } from "../../wire/answer_id.ts";

/** Of what a remote says, and of a URL that it sends us to. */
const BODY_CHARS = 200;
const SHOWN_CHARS = 300;

interface RemoteErrorOptions extends BackendErrorOptions {
  /** False when it is certain that the server did not take the request. */
  readonly delivered: boolean;
  /** HTTP status of the remote, where it answered. */
  readonly remoteStatus?: number | undefined;
  /** The remote does not know the session that the request named. */
  readonly sessionRefused?: boolean | undefined;
  /** What the remote said in JSON-RPC. */
  readonly answer?: ErrorAnswer | undefined;
}

/** A JSON-RPC error and its text as it came. */
interface ErrorAnswer {
  readonly message: JsonRpcError;
  readonly text: string;
}

export class RemoteError extends BackendError {
  readonly delivered: boolean;
  readonly remoteStatus: number | undefined;
  readonly sessionRefused: boolean;
  readonly answer: ErrorAnswer | undefined;

  constructor(message: string, options: RemoteErrorOptions) {
    const { delivered, remoteStatus, sessionRefused = false, answer, ...rest } = options;
    super(message, { permanent: remoteStatus !== undefined && isPermanent(remoteStatus), ...rest });
    this.delivered = delivered;
    this.remoteStatus = remoteStatus;
    this.sessionRefused = sessionRefused;
    this.answer = answer;
  }
}

/** A client error will not go away by asking again; a slow request or a busy server may. */
function isPermanent(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** Statuses that say nothing about the transport: authentication, the proxy, time-outs and rate limits. */
const NO_EVIDENCE = [401, 403, 407, 408, 425, 429];

/** Refusals, and what is no MCP at all: it may be another transport. */
function isForeign(status: number): boolean {
  if (NO_EVIDENCE.includes(status)) return false;
  return (status >= 200 && status < 300) || (status >= 400 && status < 500);
}

/** A failure as the answer to its request. `sessionLost`: it came too late for the session, and not for the server. */
export function failureAnswer(id: RequestId, error: unknown, { sessionLost = false } = {}): Envelope {
  const relayed = relayedAnswer(id, error);
  if (relayed) return relayed;
  const known = error instanceof GatewayError
    ? error
    : new BackendError("The request failed", { cause: error });
  const message = errorOf(id, toRpcError(known));
  if (!(known instanceof RemoteError) || known.delivered) return { message, relatesTo: id };
  return { message, relatesTo: id, undelivered: verdictOn(known, sessionLost) };
}

/** Where the session was lost, the same request may succeed in a new one. */
function verdictOn(
  { permanent, remoteStatus, retryAfterMs }: RemoteError,
  sessionLost: boolean,
): Undelivered {
  const again = sessionLost ? "now" : permanent ? "never" : "later";
  return { again, afterMs: retryAfterMs, why: reasonIn(remoteStatus) };
}

function reasonIn(status = 0): Undelivered["why"] {
  if (status === 503) return "busy";
  if (status >= 300 && status < 400) return "redirected";
  return isForeign(status) ? "foreign" : undefined;
}

function relayedAnswer(id: RequestId, error: unknown): Envelope | undefined {
  return error instanceof RemoteError && error.delivered ? saidTo(id, error) : undefined;
}

/** The server's own JSON-RPC error to this request, whatever status carried it, also where it does not name the request. */
export function saidTo(id: RequestId, { answer }: RemoteError): Envelope | undefined {
  if (!answer) return undefined;
  const { message, text } = answer;
  if (!answersSole(message, id)) return undefined;
  return {
    ...(message.id === id ? { message, text } : withAnswerId({ message, text }, message, id)),
    relatesTo: id,
  };
}

/** Scheme, host and path: what may be shown of a URL. Credentials and query may be secrets. */
export function displayUrl(url: URL): string {
  const whole = url.origin === "null"
    ? `${url.protocol}//${url.host}${url.pathname}`
    : url.origin + url.pathname;
  return cut(whole, SHOWN_CHARS);
}

/** A failed `fetch` as an error: a connection that was never made has delivered nothing. */
export function connectionError(url: URL, error: unknown, { posted = false } = {}): RemoteError {
  const detail = detailOf(error);
  // Not the error itself: its message has the whole URL.
  const cause = new Error(detail);
  const connect = detail.match(/client error \(Connect\): (.*)/)?.[1] ??
    detail.match(/Requests to port .*/)?.[0];
  if (connect !== undefined) {
    const reason = connect.replace(/^tcp connect error: /, "").replace(/ \(os error \d+\)/, "");
    return new RemoteError(`Cannot reach ${displayUrl(url)}: ${reason}`, { delivered: false, cause });
  }
  if (isUnread(error)) {
    return new RemoteError(`${displayUrl(url)} refused the request before it read it`, {
      delivered: false,
      cause,
    });
  }
  if (posted) return lostAnswer(url, cause);
  return new RemoteError(`The connection to ${displayUrl(url)} broke before the answer came`, {
    delivered: true,
    cause,
  });
}

/**
 * Whether a failed `fetch` says that the server has not read the request: over HTTP/2 it refuses a stream, or ends the
 * connection and names the last stream that counts (RFC 9113, section 8.7). HTTP/1.1 has nothing of the kind.
 */
export function isUnread(error: unknown): boolean {
  return /stream error received: refused stream|connection error received: not a result of an error/
    .test(detailOf(error));
}

/** The server has taken the request, and what became of it is not to be learnt any more. */
export function lostAnswer(url: URL, cause?: unknown): RemoteError {
  const text = `The connection to ${
    displayUrl(url)
  } broke before the answer came; the request was not sent again`;
  return new RemoteError(text, { delivered: true, cause });
}

/** A refused `initialize` has begun nothing: it may be sent again, and the status may mean that this is another transport. */
export function untaken(error: unknown): unknown {
  if (!(error instanceof RemoteError) || error.remoteStatus === undefined) return error;
  const { message, remoteStatus, retryAfterMs } = error;
  return new RemoteError(message, { delivered: false, remoteStatus, retryAfterMs, cause: error });
}

/** A POST that was answered as a GET is in the transport of 2024-11-05: nobody has read what it said. */
export function otherTransport(url: URL, { status: remoteStatus }: Response): RemoteError {
  const text =
    `${displayUrl(url)} answered a message with the beginning of an SSE session: it speaks the older ` +
    `transport (${optionName("sse")})`;
  return new RemoteError(text, { delivered: false, remoteStatus, permanent: true });
}

function detailOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const detail = error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
  return excerpt(detail.replace(/\w+:\/\/\S*/g, "…"), BODY_CHARS);
}

/** An answer that is not 2xx as an error; `body` is the beginning of what it said. */
export function statusError(url: URL, response: Response, body: string): RemoteError {
  const { status } = response;
  const what = `${displayUrl(url)} answered HTTP ${status}`;
  const retryAfterMs = retryAfter(response.headers.get("retry-after"));
  const answer = rpcErrorIn(response, body);
  const sessionRefused = status === 404 ||
    (status === 400 && answer !== undefined && namesSession(answer.message));
  const delivered = !sessionRefused && !isUndelivered(status, retryAfterMs);
  const options = { remoteStatus: status, retryAfterMs, delivered, sessionRefused, answer };
  const text = excerpt(answer?.message.error.message ?? body, BODY_CHARS);
  if (status === 401 || status === 403) {
    const credentials = credentialOptions(answer);
    const way = status === 401
      ? `give credentials that count there, by ${credentials}`
      : `the credentials of ${credentials} do not suffice`;
    return new RemoteError(`${what}: ${way}${answer && text ? `; it says: ${text}` : ""}`, options);
  }
  if (isHtml(response, body)) return new RemoteError(`${what} with an HTML page instead of MCP`, options);
  return new RemoteError(text ? `${what}: ${text}` : what, options);
}

/** Which options send what a Keystone takes, by the kind that its refusal names. */
const SENT_BY: ReadonlyMap<unknown, string> = new Map([
  ...["apiKey", "bearer", "jwt"].map((kind) => [kind, "oauth2Bearer"] as const),
  ["basic", "header"],
  ["keypair", "keypair"],
]);

function credentialOptions(answer: ErrorAnswer | undefined): string {
  const data = answer?.message.error.data;
  const auth = isObject(data) ? data.auth : undefined;
  const kinds = isObject(auth) && Array.isArray(auth.kinds) ? auth.kinds : [];
  const known = kinds.flatMap((kind) => SENT_BY.get(kind) ?? []);
  const options = [...new Set(known.length > 0 ? known : ["oauth2Bearer", "header"])];
  return options.map(optionName).join(" or ");
}

/** A server may say in JSON-RPC why it answers no 2xx: what it says to a request is that request's answer. */
function rpcErrorIn(response: Response, body: string): ErrorAnswer | undefined {
  if (!/^application\/json\b/i.test(response.headers.get("content-type") ?? "")) return undefined;
  try {
    const message = parseMessage(body);
    return "error" in message ? { message, text: body } : undefined;
  } catch {
    return undefined; // Some other JSON.
  }
}

/** Servers on the v1 SDK's examples know 400 alone for a session that they do not have. */
function namesSession({ error }: JsonRpcError): boolean {
  return error.code === -32000 && /session/i.test(error.message);
}

/** Statuses of requests that were refused unread: authentication, wrong path or method, rate limit, no capacity. */
function isUndelivered(status: number, retryAfterMs: number | undefined): boolean {
  return [401, 403, 404, 405, 429].includes(status) || (status === 503 && retryAfterMs !== undefined);
}

export function isHtml(response: Response, body: string): boolean {
  return /text\/html/i.test(response.headers.get("content-type") ?? "") || /^\s*<(!doctype|html)/i.test(body);
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
