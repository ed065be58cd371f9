/** A request of a modern client as a legacy server is asked it: without what is of the other era. */
import { type Envelope, SpelledEnvelope } from "../../core/channel.ts";
import { plainMeta } from "../../core/mcp/request_meta.ts";
import { isObject, type JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import { anew } from "../../wire/anew.ts";
import { membersNamed, withParamsMeta } from "../../wire/params_meta.ts";

/**
 * Members of params that mean something in one era alone: in a server of 2025-11-25 `task` would let the answer be of
 * another kind, which no client of this one has asked for.
 */
const OF_THE_ERAS = ["requestState", "inputResponses", "task"] as const;

/** What a legacy server is asked: nothing of what belongs to the other era. */
export function plainRequest(envelope: Envelope, message: JsonRpcRequest): Envelope {
  return quicklyPlain(envelope, message) ?? anew(envelope, message, plain);
}

/** As mostly: `_meta` alone is another one, so nothing need be written anew. */
function quicklyPlain({ text }: Envelope, message: JsonRpcRequest): Envelope | undefined {
  const { params = {} } = message;
  if (text === undefined || !isObject(params._meta) || OF_THE_ERAS.some((name) => name in params)) {
    return undefined;
  }
  const meta = plainMeta(params._meta);
  const made = withParamsMeta(text, (json) => meta && membersNamed(json, new Set(Object.keys(meta))));
  return made === undefined ? undefined : new SpelledEnvelope(plain(message), made);
}

function plain(request: JsonRpcRequest): JsonRpcRequest {
  if (request.params === undefined) return request;
  const { _meta, requestState: _, inputResponses: __, task: ___, ...params } = request.params;
  const meta = isObject(_meta) ? plainMeta(_meta) : undefined;
  return { ...request, params: meta ? { ...params, _meta: meta } : params };
}
