/** What a POST brought, and everything that can be refused by looking at it alone. */
import { GatewayError, LimitError, RequestError, RpcCode } from "../core/errors.ts";
import { isRequest, type JsonRpcMessage, type JsonRpcRequest, type RequestId } from "../core/jsonrpc.ts";
import { parseMessages } from "../core/parse.ts";
import { readBody, requireJson, requireVersion } from "./http_checks.ts";

/** The messages of one POST, parsed. */
export interface Posted {
  readonly messages: readonly JsonRpcMessage[];
  readonly requests: readonly JsonRpcRequest[];
  /** The body, where it is exactly one message. */
  readonly text: string | undefined;
  readonly batch: boolean;
}

export interface ReceiveOptions {
  readonly maxBodyBytes: number;
  /** Throws StoppingError when no new request may begin; answers to open ones still may. */
  readonly refuseNew: () => void;
}

/** Throws GatewayError: nothing has been started for the request by then. */
export async function receive(request: Request, options: ReceiveOptions): Promise<Posted> {
  requireJson(request);
  requireVersion(request);
  const text = await readBody(request, options.maxBodyBytes);
  const { messages, batch } = parseMessages(text);
  const requests = messages.filter(isRequest);
  const posted = { messages, requests, batch, text: batch ? undefined : text };
  return await answering(posted, () => {
    if (requests.length > 0) options.refuseNew();
    refuseRepeated(requests);
    if (batch) refuseInitialize(requests);
    return Promise.resolve(posted);
  });
}

function refuseRepeated(requests: readonly JsonRpcRequest[]): void {
  if (requests.length < 2) return;
  const ids = new Set<RequestId>();
  for (const { id } of requests) {
    if (ids.has(id)) throw stillOpen(id);
    ids.add(id);
  }
}

/** `initialize` stands alone (2025-03-26 lifecycle page: not part of a batch). */
function refuseInitialize(requests: readonly JsonRpcRequest[]): void {
  if (requests.some(isInitialize)) throw invalidRequest("initialize must not be part of a batch");
}

export function isInitialize({ method }: JsonRpcRequest): boolean {
  return method === "initialize";
}

/** Runs what may still refuse the request; the refusal then carries the request's id. */
export async function answering<T>(posted: Posted, answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof GatewayError) error.requestId = idOf(posted);
    throw error;
  }
}

function idOf({ requests: [request], batch }: Posted): RequestId | null {
  return request && !batch ? request.id : null;
}

/** JSON-RPC 2.0: an id names one request; a second one under it could not be answered. */
export function stillOpen(id: RequestId): GatewayError {
  return invalidRequest(`a request with id ${JSON.stringify(id)} is still open`);
}

export function invalidRequest(why: string): GatewayError {
  return new RequestError(`Invalid Request: ${why}`, { code: RpcCode.invalidRequest });
}

/** Throws LimitError when too much waits for the server to take another message. */
export function refuseFull(
  { size, weight }: { readonly size: number; readonly weight: number },
  limits: { readonly maxBufferedMessages: number; readonly maxBufferedBytes: number },
): void {
  if (size < limits.maxBufferedMessages && weight < limits.maxBufferedBytes) return;
  throw new LimitError(`The server is too slow: ${size} messages of ${weight} bytes wait for it`);
}
