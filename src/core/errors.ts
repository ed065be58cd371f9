/**
 * Error classes, one for each decision that somebody makes about a failure, and the two
 * functions that turn an error into what a client may see.
 */
import type { JsonRpcErrorObject, RequestId } from "./message/jsonrpc.ts";
import { quoted } from "../base/outside.ts";

/**
 * JSON-RPC 2.0 §5.1 codes, the two that the MCP SDKs use for HTTP refusals and timeouts, and those of MCP itself: from
 * 2026-07-28 (basic protocol page, "Error Codes"), and before.
 */
export const RpcCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  refused: -32000,
  sessionNotFound: -32001,
  requestTimeout: -32001,
  /** Since 2026-07-28. */
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedRevision: -32022,
  /** Until 2025-11-25. */
  resourceNotFound: -32002,
  urlElicitationRequired: -32042,
} as const;

interface GatewayErrorOptions extends ErrorOptions {
  /** HTTP status when this error is the whole answer. */
  status?: number;
  /** JSON-RPC error code. */
  code?: number;
  /** Extra response headers, for instance `Allow` or `Retry-After`. */
  headers?: Readonly<Record<string, string>>;
  /** The request that this refuses, where its id is known. */
  requestId?: RequestId | null;
  /** What the log has in place of the message: more than the client is told. */
  logged?: string;
  /** What programs are told beside the message: `data` of the JSON-RPC error. */
  data?: unknown;
  /** Who was refused, and what, is told by an event of its own. */
  isTold?: boolean;
}

/** An error whose message is written for the client: it names the thing and never a path or a secret. */
export class GatewayError extends Error {
  override readonly name: string = "GatewayError";
  readonly status: number;
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The request that this refuses; null where its id is not known. */
  readonly requestId: RequestId | null;
  readonly logged: string;
  readonly data: unknown;
  readonly isTold: boolean;

  constructor(message: string, options: GatewayErrorOptions = {}) {
    const { status = 500, code = RpcCode.internalError, headers = {}, requestId = null } = options;
    super(message, options);
    const { logged = message } = options;
    this.logged = logged;
    this.data = options.data;
    this.isTold = options.isTold ?? false;
    this.requestId = requestId;
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** The sender broke a rule of HTTP, JSON-RPC or MCP: 4xx. */
export class RequestError extends GatewayError {
  override readonly name = "RequestError";
  constructor(message: string, options: GatewayErrorOptions = {}) {
    super(message, { status: 400, code: RpcCode.refused, ...options });
  }
}

export function invalidRequest(why: string): RequestError {
  return new RequestError(`Invalid Request: ${why}`, { code: RpcCode.invalidRequest });
}

/** JSON-RPC 2.0: an id names one request; a second one under it could not be answered. */
export function stillOpen(id: RequestId): RequestError {
  return invalidRequest(`a request with id ${quoted(id)} is still open`);
}

/** A second handshake would be told to a server that has had its own. */
export function alreadyInitialized(): RequestError {
  return invalidRequest("the session is already initialized");
}

/** Within some seconds a place is free again, and a gateway that stops has a successor. */
const RETRY_AFTER_S = 5;
const LATER = { status: 503, code: RpcCode.refused, headers: { "Retry-After": `${RETRY_AFTER_S}` } };

/** There is no room for it at the moment; the same request may succeed later: 503. */
export class BusyError extends GatewayError {
  override readonly name = "BusyError";
  readonly retryAfterMs = RETRY_AFTER_S * 1000;
  constructor(message: string, options: GatewayErrorOptions = {}) {
    super(message, { ...LATER, ...options });
  }
}

/** Somebody else has changed it since it was read: 412. */
export class ConflictError extends GatewayError {
  override readonly name = "ConflictError";
  constructor(message: string, options: GatewayErrorOptions = {}) {
    super(message, { status: 412, code: RpcCode.refused, ...options });
  }
}

/** It is larger than it may be, and will be so the next time: 413. */
export class TooLargeError extends GatewayError {
  override readonly name = "TooLargeError";
  constructor(message: string, options: GatewayErrorOptions = {}) {
    super(message, { status: 413, code: RpcCode.refused, ...options });
  }
}

/** The gateway is shutting down and takes no new work: 503. */
export class StoppingError extends GatewayError {
  override readonly name = "StoppingError";
  readonly retryAfterMs = RETRY_AFTER_S * 1000;
  constructor(message = "The gateway is shutting down") {
    super(message, LATER);
  }
}

export interface BackendErrorOptions extends GatewayErrorOptions {
  /** Trying again cannot help. */
  permanent?: boolean;
  /** Trying again before that much time has passed will not help, says the server. */
  retryAfterMs?: number | undefined;
  /** The server ended by itself, and says that all is well. */
  clean?: boolean;
  /** The end of a child, of which observers have been told with all that is known. */
  exited?: boolean;
}

/** The MCP server behind the gateway cannot be started, broke off or does not answer: 502. */
export class BackendError extends GatewayError {
  override readonly name = "BackendError";
  readonly permanent: boolean;
  readonly retryAfterMs: number | undefined;
  readonly clean: boolean;
  readonly exited: boolean;

  constructor(message: string, options: BackendErrorOptions = {}) {
    const { permanent = false, retryAfterMs, clean = false, exited = false, ...rest } = options;
    super(message, { status: 502, ...rest });
    this.permanent = permanent;
    this.retryAfterMs = retryAfterMs;
    this.clean = clean;
    this.exited = exited;
  }
}

/** The MCP server did not answer within the configured time: 504. */
export class TimeoutError extends GatewayError {
  override readonly name = "TimeoutError";
  constructor(message: string, options: GatewayErrorOptions = {}) {
    super(message, { status: 504, code: RpcCode.requestTimeout, ...options });
  }
}

/** The far end of a channel is gone, so nothing can be said to it any more. */
export class DisconnectedError extends GatewayError {
  override readonly name = "DisconnectedError";
  constructor(message: string, options: GatewayErrorOptions = {}) {
    super(message, { status: 502, ...options });
  }
}

/** Wrong usage, found before anything was started: exit code 2. */
export class ConfigError extends GatewayError {
  override readonly name = "ConfigError";
}

/** The error as the refusal of one request: it may be that of many who wait for the same thing. */
export function errorForRequest(error: GatewayError, requestId: RequestId | null): GatewayError {
  const { message, status, code, headers, cause, logged, data } = error;
  return new GatewayError(message, { status, code, headers, cause, logged, data, requestId });
}

/** Why a server failed, in words for its clients: what is no GatewayError may name what they need not know. */
export function serverFailure(error: unknown): string {
  return error instanceof GatewayError ? error.message : "The MCP server failed";
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a client is told of an error: anything but a GatewayError is an internal error without details. */
export function toRpcError(error: unknown): JsonRpcErrorObject {
  if (error instanceof GatewayError) {
    const { code, message, data } = error;
    return { code, message, ...data !== undefined && { data } };
  }
  return { code: RpcCode.internalError, message: "Internal error" };
}

/** A refusal is about one request: no cache is to answer the next one with it, and nobody takes it for a page. */
const OF_REFUSALS = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };

/** An error as a whole HTTP answer, with a JSON-RPC error body. */
export function toResponse(error: unknown): Response {
  const { status, headers: extra, requestId: id } = error instanceof GatewayError
    ? error
    : { status: 500, headers: {}, requestId: null };
  const headers = { ...OF_REFUSALS, ...extra, "Content-Type": "application/json" };
  const body = { jsonrpc: "2.0", error: toRpcError(error), id };
  return new Response(JSON.stringify(body), { status, headers });
}
