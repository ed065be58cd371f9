/** The `_meta` by which a message is known as one of the modern era. */
import { MetaKey, metaOf } from "../../../core/mcp/request_meta.ts";
import { NEWEST_MODERN } from "../../../core/mcp/revisions.ts";
import type { JsonRpcNotification } from "../../../core/message/jsonrpc.ts";

/**
 * A notification that says of itself which era it belongs to. It need not, but a server of both eras that has so far only
 * been asked what it is takes one that does not for the first word of a legacy client, and goes over to that era for
 * everybody (`serveStdio` of @modelcontextprotocol/server 2.4.0).
 */
export function withRequestMeta(message: JsonRpcNotification): JsonRpcNotification {
  if (metaOf(message)?.[MetaKey.revision] !== undefined) return message;
  const meta = {
    ...metaOf(message),
    [MetaKey.revision]: NEWEST_MODERN,
    [MetaKey.capabilities]: {},
  };
  return { ...message, params: { ...message.params, _meta: meta } };
}
