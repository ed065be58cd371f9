/** Asks a server of 2026-07-28 for its tools, page by page, on behalf of a call whose headers depend on them. */
import { MetaKey, metaOf } from "../../core/mcp/request_meta.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  isObject,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type Params,
  type RequestId,
} from "../../core/message/jsonrpc.ts";

/** A server may have a next page for ever. */
const MAX_PAGES = 100;

/** Sends a request and settles with what answers it, whatever that is. */
export type Ask = (request: JsonRpcRequest) => Promise<JsonRpcMessage>;

interface Listing {
  readonly id: RequestId;
  /** Whose client this is done for, as it says in its `_meta`. */
  readonly call: JsonRpcRequest;
  readonly ask: Ask;
}

/** The results of each page; it ends where the server has no next one, or refuses to say it. */
export async function* toolPages({ id, call, ask }: Listing): AsyncGenerator<Params> {
  const _meta = whoAsks(call);
  let cursor: unknown;
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = { ..._meta && { _meta }, ...cursor !== undefined && { cursor } };
    const answer = await ask({ jsonrpc: "2.0", id, method: Method.listTools, params });
    const result = isResponse(answer) && "result" in answer ? answer.result : undefined;
    if (!isObject(result)) return;
    yield result;
    cursor = result.nextCursor;
    if (typeof cursor !== "string") return;
  }
}

/** Neither the progress nor the logs of a call are those of this question. */
function whoAsks(call: JsonRpcRequest): Params | undefined {
  const meta = metaOf(call);
  if (!meta) return undefined;
  const keys = [MetaKey.revision, MetaKey.client, MetaKey.capabilities];
  return Object.fromEntries(keys.flatMap((key) => meta[key] === undefined ? [] : [[key, meta[key]]]));
}
