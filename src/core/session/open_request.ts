/** A request that waits for its answer, and why one may not begin to. */
import { optionName } from "../../base/option_name.ts";
import type { Deadline, Expiring } from "../deadlines.ts";
import { invalidRequest, type RequestError, type TimeoutError } from "../errors.ts";
import { isLasting, requestedToken, requestedTool } from "../mcp/messages.ts";
import type { JsonRpcRequest, ProgressToken, RequestId } from "../message/jsonrpc.ts";

/** Whoever answers a request whose time is over; it is still open then. */
export interface ExpiryListener {
  expired(request: OpenRequest, error: TimeoutError): void;
}

/** An open request as observers are told of it: nothing of its body. */
export interface OpenCall {
  readonly session: string;
  readonly id: RequestId;
  readonly method: string;
  readonly tool?: string;
  /** Milliseconds since it arrived. */
  readonly ageMs: number;
}

/** A class and no literal, since each message brings one (docs/architecture.md, "What keeps it fast"). */
export class OpenRequest implements Expiring {
  readonly id: RequestId;
  readonly method: string;
  /** By `performance.now()`. */
  readonly since: number = performance.now();
  readonly token: ProgressToken | undefined;
  /** It is no call that somebody waits for: it has no time, and nobody waits for its end. */
  readonly lasting: boolean;
  /** Which tool it calls, if it does. */
  readonly tool: string | undefined;
  /** For a request of the server: the client request on whose stream it went out. */
  readonly relatesTo: RequestId | undefined;
  deadline: Deadline | undefined = undefined;
  /** Characters of it, and of its answer, once each was passed on. */
  requestSize: number | undefined = undefined;
  answerSize: number | undefined = undefined;
  /** It was told of as one that takes long. */
  toldSlow = false;
  readonly #listener: ExpiryListener | undefined;

  constructor(message: JsonRpcRequest, relatesTo?: RequestId, listener?: ExpiryListener) {
    this.id = message.id;
    this.method = message.method;
    this.token = requestedToken(message);
    this.lasting = isLasting(message);
    this.tool = requestedTool(message);
    this.relatesTo = relatesTo;
    this.#listener = listener;
  }

  expire(error: TimeoutError): void {
    this.#listener?.expired(this, error);
  }

  /** What it is at this moment; `session` is whose it is. */
  call(session: string): OpenCall {
    const { id, method, tool, since } = this;
    return { session, id, method, ...tool !== undefined && { tool }, ageMs: performance.now() - since };
  }
}

/** Why this request is not to be remembered, or undefined. */
export function tooLong(message: JsonRpcRequest, maxChars: number): RequestError | undefined {
  const what = longPartOf(message, maxChars);
  if (what === undefined) return undefined;
  return invalidRequest(`the ${what} is longer than ${maxChars} characters (${optionName("maxIdLength")})`);
}

function longPartOf(message: JsonRpcRequest, maxChars: number): string | undefined {
  if (isLonger(message.id, maxChars)) return "id";
  if (isLonger(requestedToken(message), maxChars)) return "progress token";
  return isLonger(message.method, maxChars) ? "method" : undefined;
}

function isLonger(name: RequestId | undefined, maxChars: number): boolean {
  return typeof name === "string" && name.length > maxChars;
}
