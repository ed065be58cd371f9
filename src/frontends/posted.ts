/** What a POST brought, and everything that can be refused by looking at it alone. */
import type { Caller } from "../core/caller.ts";
import type { BufferLimits } from "../core/channel.ts";
import { BusyError, errorForRequest, GatewayError, invalidRequest, stillOpen } from "../core/errors.ts";
import { isHandshake } from "../core/mcp/messages.ts";
import { isRequest, type JsonRpcRequest, type RequestId } from "../core/message/jsonrpc.ts";
import type { MessageLimits } from "../core/message/message_limits.ts";
import { parseMessages, type Said } from "../core/message/parse.ts";
import type { Stopping } from "../core/stopping.ts";
import type { Bodies, Body } from "./bodies.ts";
import type { AsyncHandler } from "./frontend.ts";
import { requireJson } from "./http_checks.ts";

/** The messages of one POST, parsed. */
export interface Posted {
  readonly messages: readonly Said[];
  readonly requests: readonly JsonRpcRequest[];
  readonly batch: boolean;
  /** What one message weighs while it waits. */
  readonly weight: number;
  /** To be told as soon as the messages wait where that is bounded otherwise. */
  readonly body: Pick<Body, "release">;
}

export interface ReceiveOptions {
  /** Shared by all routes. */
  readonly bodies: Bodies;
  /** Of a message's structure; the usual ones by default. */
  readonly clientLimits?: MessageLimits | undefined;
  /** Asked before a new request begins; answers to open ones still may come. */
  readonly stopping: Pick<Stopping, "refuse">;
  /** Refuses what this caller may not say, before anything of it has an effect. */
  readonly permit?: ((messages: readonly Said[], request: Request, caller: Caller) => void) | undefined;
}

export interface PostOptions extends ReceiveOptions {
  /** Refuses a request by its headers; what all routes ask of them is asked anyway. */
  readonly check?: (request: Request, caller: Caller) => void;
}

type Answer = (posted: Posted, request: Request, caller: Caller) => Promise<Response>;

/**
 * A handler of POSTs. Rejects with GatewayError; a refusal by then, or by `answer`, carries the request's id. One
 * promise for all that, since each further one costs every request.
 */
export function posting(options: PostOptions, answer: Answer): AsyncHandler {
  return (request, caller) =>
    new Promise((resolve, reject) => {
      options.check?.(request, caller);
      requireJson(request);
      const body = options.bodies.expect(request, caller);
      // Of what was posted no more is kept than its id, since the answer may take long.
      let id: RequestId | null = null;
      const refuse = (error: unknown) => {
        body.release();
        reject(error instanceof GatewayError ? errorForRequest(error, id ?? error.requestId) : error);
      };
      body.read((text) => {
        const posted = postedOf(text, body, options.clientLimits);
        id = idOf(posted);
        if (posted.requests.length > 0) options.stopping.refuse();
        refuseRepeated(posted.requests);
        if (posted.batch) refuseBatch(posted, caller);
        options.permit?.(posted.messages, request, caller);
        answer(posted, request, caller).then((response) => {
          body.release();
          resolve(response);
        }, refuse);
      }, refuse);
    });
}

function postedOf(text: string, body: Body, limits: MessageLimits | undefined): Posted {
  const { said: messages, batch } = parseMessages(text, limits);
  const weight = Math.ceil(text.length / messages.length);
  const requests: JsonRpcRequest[] = [];
  for (const { message } of messages) if (isRequest(message)) requests.push(message);
  return { messages, requests, batch, weight, body };
}

function refuseRepeated(requests: readonly JsonRpcRequest[]): void {
  if (requests.length < 2) return;
  const ids = new Set<RequestId>();
  for (const { id } of requests) {
    if (ids.has(id)) throw stillOpen(id);
    ids.add(id);
  }
}

/** The request itself was counted as one message. */
function refuseBatch({ messages, requests }: Posted, { allowance }: Caller): void {
  refuseInitialize(requests);
  const refusal = messages.length > 1 ? allowance?.refusal(messages.length - 1) : undefined;
  if (refusal) throw refusal;
}

/** `initialize` stands alone (2025-03-26 lifecycle page: not part of a batch). */
function refuseInitialize(requests: readonly JsonRpcRequest[]): void {
  if (requests.some(isHandshake)) throw invalidRequest("initialize must not be part of a batch");
}

function idOf({ requests: [request], batch }: Posted): RequestId | null {
  return request && !batch ? request.id : null;
}

/** Throws BusyError when too much waits for the server to take another message. */
export function refuseFull(
  { size, weight }: { readonly size: number; readonly weight: number },
  limits: BufferLimits,
): void {
  if (size < limits.maxBufferedMessages && weight < limits.maxBufferedBytes) return;
  throw new BusyError(`The server is too slow: ${size} messages of ${weight} bytes wait for it`);
}
