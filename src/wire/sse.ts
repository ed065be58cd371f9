/** Server-Sent Events as text: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
import type { Envelope } from "../core/channel.ts";
import { lineOf } from "./line.ts";

/** A comment that clients ignore: keeps proxies awake, and finds out who is gone. */
export const KEEP_ALIVE_COMMENT = ":\n\n";

export interface SseEvent {
  event: string;
  /** One line: it must hold neither CR nor LF. */
  data: string;
}

export function encodeEvent({ event, data }: SseEvent): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}

/** One JSON-RPC message as a `message` event. */
export function encodeMessage(envelope: Envelope): string {
  return encodeEvent({ event: "message", data: lineOf(envelope) });
}
