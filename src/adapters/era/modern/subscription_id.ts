/**
 * The id of a subscription, which is that of its `subscriptions/listen` request (2026-07-28, "Subscriptions"): whoever
 * exchanges the one exchanges the other.
 */
import { type Envelope, SpelledEnvelope } from "../../../core/channel.ts";
import { MetaKey, metaOf } from "../../../core/mcp/request_meta.ts";
import {
  isId,
  isObject,
  type JsonRpcNotification,
  type JsonRpcResponse,
  objectIn,
  type Params,
  type RequestId,
} from "../../../core/message/jsonrpc.ts";
import { editedText } from "../../../wire/anew.ts";
import { withAnswerId } from "../../../wire/answer_id.ts";

const IN_PARAMS = ["params", "_meta", MetaKey.subscription];
const IN_RESULT = ["result", "_meta", MetaKey.subscription];

/** What a message names as its subscription, whatever that is; undefined where it names none. */
export function subscriptionIn(message: JsonRpcNotification): unknown {
  return metaOf(message)?.[MetaKey.subscription];
}

/** A message that names the subscription by this id, if it names one. */
export function inStream(message: JsonRpcNotification, id: RequestId): JsonRpcNotification {
  if (subscriptionIn(message) === undefined) return message;
  const meta = { ...metaOf(message), [MetaKey.subscription]: id };
  return { ...message, params: { ...message.params, _meta: meta } };
}

/** A notification of the same subscription under another id. */
export function withSubscription(
  { text }: Envelope,
  message: JsonRpcNotification,
  id: RequestId,
): Envelope {
  const renamed = inStream(message, id);
  if (text === undefined) return { message: renamed };
  return new SpelledEnvelope(renamed, editedText(text, [{ path: IN_PARAMS, value: id }]));
}

/** The answer to a `subscriptions/listen` under another id, in its `_meta`, too, where it stands there. */
export function withListenId(envelope: Envelope, message: JsonRpcResponse, id: RequestId): Envelope {
  const meta = metaOfResult(message);
  if (!("result" in message) || !isId(meta?.[MetaKey.subscription])) {
    return withAnswerId(envelope, message, id);
  }
  const { text } = envelope;
  const result = { ...objectIn(message.result), _meta: { ...meta, [MetaKey.subscription]: id } };
  const renamed = { ...message, id, result };
  if (text === undefined) return { message: renamed };
  const edits = [{ path: ["id"], value: id }, { path: IN_RESULT, value: id }];
  return new SpelledEnvelope(renamed, editedText(text, edits));
}

function metaOfResult(message: JsonRpcResponse): Params | undefined {
  const { _meta: meta } = "result" in message ? objectIn(message.result) : {};
  return isObject(meta) ? meta : undefined;
}
