/** What a legacy server answers, as clients of 2026-07-28 are to be told it (its basic protocol page, "Responses"). */
import { type Envelope, SpelledEnvelope } from "../../core/channel.ts";
import { RpcCode } from "../../core/errors.ts";
import { modernError } from "../../core/mcp/eras.ts";
import { Method } from "../../core/mcp/methods.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";
import { MODERN_REVISIONS } from "../../core/mcp/revisions.ts";
import {
  errorOf,
  isObject,
  type JsonRpcError,
  type JsonRpcErrorObject,
  type JsonRpcResponse,
  type JsonRpcResult,
  objectIn,
  type Params,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { anew } from "../../wire/anew.ts";
import { withResultMembers } from "../../wire/result_members.ts";

/** Nobody may keep it: a legacy server does not say for how long it holds, nor for whom (caching page). */
const UNCACHEABLE = { ttlMs: 0, cacheScope: "private" } as const;

/** Whose results say how long they hold (its caching page). */
export const CACHEABLE: ReadonlySet<string> = new Set([
  Method.discover,
  Method.listTools,
  Method.listPrompts,
  Method.listResources,
  Method.listTemplates,
  Method.readResource,
]);

/** What the answer is to. */
export interface Answered {
  /** What the client calls its request. */
  readonly id: RequestId;
  readonly method: string;
  /** Name and version of the server, as it has told them; undefined where it has not. */
  readonly serverInfo: unknown;
}

/** The answer of a legacy server under the client's id, with what a modern one has. */
export function modernAnswer(envelope: Envelope, message: JsonRpcResponse, answered: Answered): Envelope {
  if ("error" in message) return asModernError(envelope, message, answered.id);
  if (!isObject(message.result)) return { message: errorOf(answered.id, NO_RESULT) };
  return quickly(envelope, message, answered) ??
    anew(envelope, message, (said) => modernResult(said, answered));
}

/** No client of any revision can read it. */
const NO_RESULT: JsonRpcErrorObject = {
  code: RpcCode.internalError,
  message: "The MCP server has answered with a result that is no object",
};

/** What a modern result has, and the same as JSON. */
interface Added {
  readonly members: Params;
  readonly json: string;
}

/** By what its server has said of itself: nearly all calls are answered by the same one. */
const added = {
  cacheable: new WeakMap<object, Added>(),
  other: new WeakMap<object, Added>(),
};

/** As mostly: the result has nothing of that yet, so it need not be written anew. */
function quickly({ text }: Envelope, message: JsonRpcResult, answered: Answered): Envelope | undefined {
  const { result } = message;
  if (text === undefined || message.id !== answered.id || !isObject(result)) return undefined;
  const { members, json } = addedTo(answered);
  for (const key in members) if (Object.hasOwn(result, key)) return undefined;
  const made = withResultMembers(text, json);
  if (made === undefined) return undefined;
  return new SpelledEnvelope({ ...message, result: { ...result, ...members } }, made);
}

function addedTo(answered: Omit<Answered, "id">): Added {
  const { method, serverInfo } = answered;
  if (!isObject(serverInfo)) return newlyAddedTo(answered);
  const known = CACHEABLE.has(method) ? added.cacheable : added.other;
  const before = known.get(serverInfo);
  if (before) return before;
  const made = newlyAddedTo(answered);
  known.set(serverInfo, made);
  return made;
}

function newlyAddedTo(answered: Omit<Answered, "id">): Added {
  const members = completed({}, answered);
  return { members, json: JSON.stringify(members).slice(1, -1) };
}

function modernResult({ result }: JsonRpcResult, { id, method, serverInfo }: Answered): JsonRpcResult {
  return { jsonrpc: "2.0", id, result: completed(result, { method, serverInfo }) };
}

/** A result that says that it is one (`resultType`), from whom it is, and how long it holds. */
export function completed(result: unknown, { method, serverInfo }: Omit<Answered, "id">): Params {
  const own = objectIn(result);
  return {
    ...own,
    resultType: "complete",
    ...CACHEABLE.has(method) && UNCACHEABLE,
    ...serverInfo !== undefined && { _meta: withServer(own._meta, serverInfo) },
  };
}

export function withServer(meta: unknown, serverInfo: unknown): Params {
  return { ...isObject(meta) && meta, [MetaKey.server]: serverInfo };
}

/** Codes that 2026-07-28 keeps for what it says of requests itself: a legacy server means something else by them. */
function isReserved(code: number): boolean {
  return code <= -32020 && code >= -32099 && code !== RpcCode.urlElicitationRequired;
}

function asModernError(envelope: Envelope, message: JsonRpcError, id: RequestId): Envelope {
  const code = isReserved(message.error.code) ? RpcCode.internalError : modernError(message.error).code;
  return anew(envelope, message, ({ error }) => ({ jsonrpc: "2.0", id, error: { ...error, code } }));
}

/** What a legacy server has said of itself in its handshake, as an answer to `server/discover`. */
export function discovered(initialized: Params): Params {
  const { capabilities, serverInfo, instructions } = initialized;
  const { tasks: _, ...carried } = objectIn(capabilities);
  return completed(
    {
      supportedVersions: [...MODERN_REVISIONS],
      capabilities: carried,
      ...instructions !== undefined && { instructions },
    },
    { method: Method.discover, serverInfo },
  );
}

/** It needs what its client has not declared for it (basic protocol page, "Capabilities"). */
export function missingCapability(required: Params): JsonRpcErrorObject {
  const names = Object.keys(required).join(", ");
  return {
    code: RpcCode.missingCapability,
    message:
      `This request needs a client that declares ${names}: name it in _meta["${MetaKey.capabilities}"]`,
    data: { requiredCapabilities: required },
  };
}
