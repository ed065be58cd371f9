/** The Channel: one end of a conversation of JSON-RPC messages, whatever the wire. */
import { BackendError, BusyError, DisconnectedError, type GatewayError, StoppingError } from "./errors.ts";
import type { JsonRpcMessage, RequestId } from "./message/jsonrpc.ts";
import { parseAgain } from "./message/parse.ts";
import { Queue } from "../base/queue.ts";
import type { Readable } from "../base/readable.ts";

/** One JSON-RPC message, and what the wire knew about it. */
export interface Envelope {
  message: JsonRpcMessage;
  /** The text as it came, valid as long as `message` is untouched: pass-through costs no re-serialising. */
  text?: string | undefined;
  /** The client request that this belongs to; HTTP picks the response stream by it. */
  relatesTo?: RequestId | undefined;
  /** Said for the moment alone: not kept for a client that is away. */
  fleeting?: boolean | undefined;
  /** Another server is there now, and this is its answer to a handshake: what is known of the last one holds no more. */
  introduces?: true | undefined;
  /** On an error answer that a wire gave itself: the request never reached the server, so it may be sent again. */
  undelivered?: Undelivered | undefined;
}

/**
 * An envelope with the text that was made for its message. A class, since there is one for nearly each message, which keeps
 * what that says: see LinkedTicket of time_limit.ts.
 */
export class SpelledEnvelope implements Envelope {
  message: JsonRpcMessage;
  text: string;

  constructor(message: JsonRpcMessage, text: string) {
    this.message = message;
    this.text = text;
  }
}

/** The verdict on a request that never reached the server, made by whoever knows why. */
export interface Undelivered {
  /**
   * When the same request may be sent again. "now": over another connection, since this one was lost before the request
   * came, and breaks. "later": after a pause. "never": nothing that another try could mend. What
   * is foreign or redirected is sent again only as a part of what a new server is told, and not to find out once more.
   */
  readonly again: "now" | "later" | "never";
  /** How long to wait, where somebody knows that. */
  readonly afterMs?: number | undefined;
  /**
   * "busy": there is no room for it, for which HTTP has a status of its own (503). "foreign": what answered may speak
   * another transport, or be no MCP server at all. "redirected": it leads elsewhere, where nobody is asked.
   */
  readonly why?: "busy" | "foreign" | "redirected" | undefined;
}

/** The verdict on a request that this error kept from the server. */
export function undeliveredBy(error: GatewayError): Undelivered {
  if (error instanceof BusyError || error instanceof StoppingError) {
    return { again: "later", afterMs: error.retryAfterMs, why: "busy" };
  }
  return { again: error instanceof BackendError && error.permanent ? "never" : "later" };
}

/** How much may wait for somebody who does not read it. */
export interface BufferLimits {
  readonly maxBufferedMessages: number;
  /** Characters of all that waits. */
  readonly maxBufferedBytes: number;
}

/** One end of a conversation. Both ends of a bridge have this shape. */
export interface Channel extends AsyncDisposable {
  /**
   * What the far side says. Ends when the far side will say no more but may still be spoken to, with a failure when it
   * broke or is gone. One reader; several are one after the other (InTurn).
   */
  readonly incoming: Readable<Envelope>;
  /**
   * Takes the message over at once; a returned promise settles when the wire has room for more: backpressure.
   * Throws or rejects with DisconnectedError when nobody is there.
   */
  send(envelope: Envelope): Promise<void> | void;
  /** "I send no more." Idempotent. `reason` is for a wire that can carry one, and never shows internals. */
  close(reason?: Error): Promise<void>;
  /** "Stop now": ends `incoming`, releases pending sends, frees everything. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}

interface FreeOptions {
  readonly reason: Error | undefined;
  /** Hears what goes wrong; nobody else would. */
  readonly fault: (error: unknown) => void;
}

/** Closes a channel and disposes it; never rejects. */
export async function free(channel: Channel, { reason, fault }: FreeOptions): Promise<void> {
  try {
    await channel.close(reason);
  } catch (error) {
    fault(error);
  }
  try {
    await channel[Symbol.asyncDispose]();
  } catch (error) {
    fault(error);
  }
}

/** The text to put on a wire: as it came when untouched, else serialised once. */
export function textOf(envelope: Envelope): string {
  return envelope.text ??= JSON.stringify(envelope.message);
}

/**
 * The same message for somebody who keeps it for long: as text alone, since what is parsed may take twenty times as much
 * memory. It is parsed again only for who asks for it.
 */
export function asText(envelope: Envelope): Envelope {
  return new TextEnvelope(textOf(envelope), envelope);
}

/** From here on a message is large: what costs as much as to parse it once more is well spent to have the memory back. */
const LARGE_CHARS = 64 * 1024;

export function isLarge(size: number): boolean {
  return size > LARGE_CHARS;
}

/** Characters of a message; the envelope stays as it is, for a text would have to follow each change of the message. */
export function sizeOf({ text, message }: Envelope): number {
  return text === undefined ? JSON.stringify(message).length : text.length;
}

/** Puts a message into a queue as something of this weight; a large one that will wait there is kept as text. */
export function enqueue(queue: Queue<Envelope>, envelope: Envelope, weight: number): Promise<void> | void {
  return queue.push(queue.size > 0 && isLarge(weight) ? asText(envelope) : envelope, weight);
}

class TextEnvelope implements Envelope {
  readonly text: string;
  readonly relatesTo: RequestId | undefined;
  #message: JsonRpcMessage | undefined;

  constructor(text: string, { relatesTo }: Envelope) {
    this.text = text;
    this.relatesTo = relatesTo;
  }

  get message(): JsonRpcMessage {
    return this.#message ??= parseAgain(this.text);
  }
}

/** Two ends joined in memory: what one sends is what the other gets. */
export function memoryChannels(): [Channel, Channel] {
  const left = new Queue<Envelope>();
  const right = new Queue<Envelope>();
  return [memoryChannel(left, right), memoryChannel(right, left)];
}

function memoryChannel(inbox: Queue<Envelope>, outbox: Queue<Envelope>): Channel {
  return {
    incoming: inbox,
    send(envelope) {
      if (outbox.ended) throw new DisconnectedError("The channel is closed");
      return outbox.push(envelope, envelope.text?.length);
    },
    close(): Promise<void> {
      outbox.end();
      return Promise.resolve();
    },
    [Symbol.asyncDispose](): Promise<void> {
      outbox.fail(new DisconnectedError("The other end is gone"));
      inbox.end();
      return Promise.resolve();
    },
  };
}
