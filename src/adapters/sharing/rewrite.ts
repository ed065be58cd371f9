/** Messages under another id or progress token, the rest of their text as it came where that is certain. */
import { type Envelope, SpelledEnvelope } from "../../core/channel.ts";
import {
  isObject,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type ProgressToken,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { editedText } from "../../wire/anew.ts";
import type { Edit } from "../../wire/splice.ts";

const ID_PATH = ["id"];
const TOKEN_PATH = ["params", "_meta", "progressToken"];
const REPORTED_TOKEN_PATH = ["params", "progressToken"];

/** A request under another id and, where it has one, another progress token; certain to be read so by every server. */
export function withRequestId(
  envelope: Envelope,
  message: JsonRpcRequest,
  { id, token }: { id: RequestId; token: ProgressToken | undefined },
): Envelope {
  const sizes = sizesOnTokenPath(message);
  const edits = [{ path: ID_PATH, value: id, sizes }, { path: TOKEN_PATH, value: token, sizes }];
  if (token === undefined) return withEdits(envelope, { ...message, id }, edits);
  const params = withMeta(message.params, { progressToken: token });
  return withEdits(envelope, { ...message, id, params }, edits);
}

/** A client's answer under this id, which may be its own; certain to be read so by every server. */
export function withAskedId(envelope: Envelope, message: JsonRpcResponse, id: RequestId): Envelope {
  return withEdits(envelope, { ...message, id }, [{
    path: ID_PATH,
    value: id,
    sizes: [memberCount(message)],
  }]);
}

/** A report of progress under another token. */
export function withReportedToken(
  envelope: Envelope,
  message: JsonRpcNotification,
  token: ProgressToken,
): Envelope {
  const params = { ...message.params, progressToken: token };
  return withEdits(envelope, { ...message, params }, [{ path: REPORTED_TOKEN_PATH, value: token }]);
}

/** What had a text keeps one, so that its size is known to whoever queues it. */
function withEdits({ text }: Envelope, message: JsonRpcMessage, edits: readonly Edit[]): Envelope {
  if (text === undefined) return { message };
  return new SpelledEnvelope(message, editedText(text, edits));
}

function sizesOnTokenPath(message: JsonRpcRequest): number[] {
  const { params } = message;
  if (!isObject(params)) return [memberCount(message)];
  const { _meta: meta } = params;
  return isObject(meta)
    ? [memberCount(message), memberCount(params), memberCount(meta)]
    : [memberCount(message), memberCount(params)];
}

function memberCount(members: object): number {
  return Object.keys(members).length;
}

function withMeta(params: Params | undefined, meta: Params): Params {
  const old = params?._meta;
  return { ...params, _meta: { ...(isObject(old) ? old : undefined), ...meta } };
}
