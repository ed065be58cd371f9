/** What `initialize` is answered with: what the server says to `server/discover` (2026-07-28, discover page). */
import type { Envelope } from "../../../core/channel.ts";
import { RpcCode } from "../../../core/errors.ts";
import { MetaKey, metaOf } from "../../../core/mcp/request_meta.ts";
import { NEWEST_MODERN } from "../../../core/mcp/revisions.ts";
import {
  errorOf,
  isObject,
  type JsonRpcError,
  type JsonRpcResult,
  objectIn,
  type Params,
  type RequestId,
} from "../../../core/message/jsonrpc.ts";
import { echoed } from "../../../base/outside.ts";
import { excerpt } from "../../../base/telling.ts";
import { anew } from "../../../wire/anew.ts";
import { withoutTasks } from "./client_profile.ts";
import { plainMetaOfResult } from "./plain_meta.ts";

interface InitializeQuestion {
  /** Of the client. */
  readonly id: RequestId;
  /** The revision that it is told. */
  readonly revision: string;
  /** Where a server does not name itself. */
  readonly name: string;
}

const REASON_CHARS = 500;
/** A legacy client must be told a version. */
const UNKNOWN_VERSION = "unknown";

/** What the server can do, or why it cannot be spoken to. */
export function discoveredIn({ result }: JsonRpcResult): Params | string {
  if (!isObject(result)) {
    return "The MCP server answered server/discover with something that is not an object";
  }
  const { supportedVersions: versions, capabilities } = result;
  if (Array.isArray(versions) && !versions.includes(NEWEST_MODERN)) {
    const named = versions.slice(0, 10).map((version) => echoed(String(version))).join(", ");
    return `The MCP server speaks none of the revisions that are spoken here: ${named || "it names none"}`;
  }
  return objectIn(capabilities);
}

/** The answer to `initialize` that the answer to `server/discover` comes to. */
export function initializeAnswer(
  envelope: Envelope,
  message: JsonRpcResult,
  question: InitializeQuestion,
): Envelope {
  // Looked at here: where text is written, what is nested is no object.
  const named = isObject(metaOf({ params: objectIn(message.result) })?.[MetaKey.server]);
  return anew(envelope, message, (said): JsonRpcResult => ({
    jsonrpc: "2.0",
    id: question.id,
    result: initializeResult(objectIn(said.result), { ...question, named }),
  }));
}

function initializeResult(
  { _meta, supportedVersions: _, resultType: __, ttlMs: ___, cacheScope: ____, ...discovered }: Params,
  { revision, name, named }: InitializeQuestion & { readonly named: boolean },
): Params {
  const meta = objectIn(_meta);
  const plain = plainMetaOfResult(meta);
  return {
    ...discovered,
    protocolVersion: revision,
    capabilities: legacyCapabilities(objectIn(discovered.capabilities)),
    serverInfo: named ? meta[MetaKey.server] : { name, version: UNKNOWN_VERSION },
    ...plain && { _meta: plain },
  };
}

/** What the server declares means the same before, but for answers that come as a task. */
function legacyCapabilities({ extensions, tasks: _, ...capabilities }: Params): Params {
  const extended = isObject(extensions) ? withoutTasks(extensions) : undefined;
  return { ...capabilities, ...extended && { extensions: extended } };
}

/** Why a server did not say what it can do, as the error of `initialize`. */
export function undiscovered(id: RequestId, { error }: JsonRpcError): JsonRpcError {
  const { code, message: reason } = error;
  const said = excerpt(String(reason), REASON_CHARS);
  const message = code === RpcCode.methodNotFound
    ? `The MCP server does not know server/discover, so it is none of ${NEWEST_MODERN}: ${said}`
    : `The MCP server refused server/discover: ${said}`;
  return errorOf(id, { code: RpcCode.internalError, message });
}
