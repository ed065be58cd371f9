/** Server-Sent Events as text: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
import type { Envelope } from "../core/channel.ts";
import { lineOf } from "./line.ts";

/** Its media type. */
export const EVENT_STREAM = "text/event-stream";
/** A comment that clients ignore: keeps proxies awake, and finds out who is gone. */
export const KEEP_ALIVE_COMMENT = ":\n\n";

interface SseEvent {
  event: string;
  /** One line: it must hold neither CR nor LF. */
  data: string;
  /** What a client names to resume behind this event. */
  id?: string | undefined;
}

export function encodeEvent({ event, data, id }: SseEvent): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}

/** One JSON-RPC message as a `message` event. */
export function encodeMessage(envelope: Envelope): string {
  return encodeEvent({ event: "message", data: lineOf(envelope) });
}

/** An event without data: tells a client from where to resume, and how long to wait before it does. */
export function encodePriming(id: string, retryMs: number): string {
  return `id: ${id}\nretry: ${retryMs}\ndata: \n\n`;
}
