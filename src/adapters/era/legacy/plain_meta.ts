/** `_meta` of what a modern server says, without what MCP has put there for clients of 2026-07-28. */
import type { Envelope } from "../../../core/channel.ts";
import { metaOf } from "../../../core/mcp/request_meta.ts";
import type { JsonRpcNotification, Params } from "../../../core/message/jsonrpc.ts";
import { anew } from "../../../wire/anew.ts";

const OF_MCP = "io.modelcontextprotocol/";

/** Undefined where nothing is left. */
export function plainMetaOfResult(meta: Params): Params | undefined {
  const left = Object.entries(meta).filter(([key]) => !key.startsWith(OF_MCP));
  return left.length > 0 ? Object.fromEntries(left) : undefined;
}

/** The same notification as a legacy client knows it. */
export function plainNotification(envelope: Envelope, message: JsonRpcNotification): Envelope {
  const meta = metaOf(message);
  if (!meta || !Object.keys(meta).some((key) => key.startsWith(OF_MCP))) return envelope;
  return anew(envelope, message, plain);
}

function plain(
  { params: { _meta: meta, ...params } = {}, ...said }: JsonRpcNotification,
): JsonRpcNotification {
  const left = plainMetaOfResult(metaOf({ params: { _meta: meta } }) ?? {});
  const all = { ...params, ...left && { _meta: left } };
  return Object.keys(all).length > 0 ? { ...said, params: all } : said;
}
