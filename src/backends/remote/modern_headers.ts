/** What a message of 2026-07-28 says once more in headers (Streamable HTTP page, "Request Metadata"). */
import { quoted } from "../../base/outside.ts";
import { invalidRequest } from "../../core/errors.ts";
import {
  encodeMirrored,
  isPlain,
  mirroredName,
  mirroredParams,
  MirrorHeader,
} from "../../core/mcp/mirrored.ts";
import type { ParamAnnotation } from "../../core/mcp/param_annotations.ts";
import { MetaKey, metaOf } from "../../core/mcp/request_meta.ts";
import { NEWEST_MODERN } from "../../core/mcp/revisions.ts";
import type { JsonRpcNotification, JsonRpcRequest } from "../../core/message/jsonrpc.ts";

/** Throws RequestError for what no header can say. */
export function headersOf(message: JsonRpcRequest | JsonRpcNotification): Record<string, string> {
  const name = mirroredName(message);
  // Notifications need not name one.
  const revision = metaOf(message)?.[MetaKey.revision] ?? NEWEST_MODERN;
  return {
    [MirrorHeader.revision]: plain(MirrorHeader.revision, revision),
    [MirrorHeader.method]: plain(MirrorHeader.method, message.method),
    ...name !== undefined && { [MirrorHeader.name]: encodeMirrored(name) },
  };
}

/** The same, with what the called tool wants there. */
export function headersOfCall(
  call: JsonRpcRequest,
  annotations: readonly ParamAnnotation[],
): Record<string, string> {
  const params = mirroredParams(annotations, call.params?.arguments);
  const encoded = params.map(([header, value]) => [header, encodeMirrored(value)] as const);
  return { ...headersOf(call), ...Object.fromEntries(encoded) };
}

/** These two have no other spelling, and what is empty is taken for what is missing. */
function plain(header: string, value: unknown): string {
  if (typeof value === "string" && value !== "" && isPlain(value)) return value;
  throw invalidRequest(`${quoted(value)} cannot be said in the header ${header}`);
}
