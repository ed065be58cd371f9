import { RequestError } from "../../core/errors.ts";
import { metaRefusal, requestMetaIn } from "../../core/mcp/request_meta.ts";
import type { JsonRpcRequest } from "../../core/message/jsonrpc.ts";
export function checkModern(_request: Request, message: JsonRpcRequest): void {
  const refusal = metaRefusal(requestMetaIn(message));
  if (refusal) throw new RequestError(refusal.message, { code: refusal.code, data: refusal.data });
}
