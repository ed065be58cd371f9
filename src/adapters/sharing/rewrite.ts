/** Messages under another id or progress token, the rest of their text as it came where that is certain. */
import type { Envelope } from "../../core/channel.ts";
import type {
  JsonRpcMessage,
  JsonRpcNotification,
  JsonRpcRequest,
  JsonRpcResponse,
  Params,
  ProgressToken,
  RequestId,
} from "../../core/jsonrpc.ts";
import { leadsNowhere, splice } from "../../wire/splice.ts";

/** A value that is to stand at a path of keys. */
interface Edit {
  readonly path: readonly string[];
  readonly value: string | number;
}

const ID_PATH = ["id"];
const TOKEN_PATH = ["params", "_meta", "progressToken"];
const REPORTED_TOKEN_PATH = ["params", "progressToken"];

/** A request under another id and, where it has one, another progress token. */
export function withRequestId(
  envelope: Envelope,
  message: JsonRpcRequest,
  { id, token }: { id: RequestId; token: ProgressToken | undefined },
): Envelope {
  const renamed = { path: ID_PATH, value: id };
  if (token === undefined) return withoutToken(envelope, { ...message, id }, renamed);
  const params = withMeta(message.params, { progressToken: token });
  return rewritten(envelope, { ...message, id, params }, [{ path: TOKEN_PATH, value: token }, renamed]);
}

/** A token that we do not see, of two equal keys say, must not reach a server that does: it may be another client's. */
function withoutToken({ text }: Envelope, message: JsonRpcRequest, renamed: Edit): Envelope {
  if (text === undefined || leadsNowhere(text, TOKEN_PATH)) {
    return rewritten({ message, text }, message, [renamed]);
  }
  return { message, text: JSON.stringify(message) };
}

/** An answer under this id; its own is a fine one, too, for text that may hide another. */
export function withAnswerId(envelope: Envelope, message: JsonRpcResponse, id: RequestId): Envelope {
  return rewritten(envelope, { ...message, id }, [{ path: ID_PATH, value: id }]);
}

/** A report of progress under another token. */
export function withReportedToken(
  envelope: Envelope,
  message: JsonRpcNotification,
  token: ProgressToken,
): Envelope {
  const params = { ...message.params, progressToken: token };
  return rewritten(envelope, { ...message, params }, [{ path: REPORTED_TOKEN_PATH, value: token }]);
}

/** What had a text keeps one, so that its size is known to whoever queues it. */
function rewritten({ text }: Envelope, message: JsonRpcMessage, edits: readonly Edit[]): Envelope {
  if (text === undefined) return { message };
  return { message, text: edited(text, edits) ?? JSON.stringify(message) };
}

function edited(text: string, edits: readonly Edit[]): string | undefined {
  let result: string | undefined = text;
  for (const { path, value } of edits) result = result && splice(result, path, value);
  return result;
}

function withMeta(params: Params | undefined, meta: Params): Params {
  const old = params?._meta;
  return { ...params, _meta: { ...(typeof old === "object" ? old : undefined), ...meta } };
}
