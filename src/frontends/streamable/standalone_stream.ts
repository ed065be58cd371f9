/** The stream of a GET: what the server says while no request is meant goes out on it, and waits until there is one. */
import type { Caller } from "../../core/caller.ts";
import type { Envelope } from "../../core/channel.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { isRequest, type JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import { MessageBuffer } from "./message_buffer.ts";
import { MessageStream } from "./message_stream.ts";
import type { EventLog } from "./session_events.ts";
import type { SessionSettings } from "./session_group.ts";

/** The session whose stream it is. */
export interface StandaloneStreamOwner {
  readonly id: string;
  readonly settings: SessionSettings;
  /** Asked when the stream begins, where its events are to be kept. */
  eventLog(): EventLog | undefined;
  /** The client went away. */
  onGone(): void;
}

export class StandaloneStream {
  readonly #owner: StandaloneStreamOwner;
  /** One for the whole session, whatever the number of connections in its course. */
  #stream: MessageStream | undefined;
  /** What waits, from the first message on. */
  #buffer: MessageBuffer | undefined;

  constructor(owner: StandaloneStreamOwner) {
    this.#owner = owner;
  }

  /** Whether somebody listens, as far as is known. */
  get connected(): boolean {
    return this.#stream?.connected ?? false;
  }

  /** Opens it; an older connection gives way, for its client is more likely gone than greedy. */
  connect(headers: HeadersInit, caller: Caller | undefined): Response {
    const response = (this.#stream ??= this.#newStream()).connect(headers, caller);
    this.#flush();
    return response;
  }

  /** Says it now or later; gives what had to go for it, oldest first. */
  send(envelope: Envelope): readonly Envelope[] {
    this.#buffer ??= new MessageBuffer(this.#owner.settings);
    const gone = this.#buffer.add(envelope);
    this.#flush();
    return gone;
  }

  /** Takes the server's requests that wait, to send them on the stream of a POST instead. */
  takeQuestions(): readonly Envelope[] {
    return this.#buffer?.takeAll(isQuestion) ?? [];
  }

  streamNamed(name: string): MessageStream | undefined {
    return this.#stream?.name === name ? this.#stream : undefined;
  }

  /** Forgets what waits. */
  close(): void {
    this.#stream?.close();
    this.#buffer = undefined;
  }

  #newStream(): MessageStream {
    const { id: session, settings: { keepAliveMs, unread } } = this.#owner;
    return new MessageStream({
      ...{ session, keepAliveMs, unread, log: this.#owner.eventLog() },
      onGone: () => this.#owner.onGone(),
      onRoom: () => this.#flush(),
    });
  }

  /** What a slow client does not read waits in the buffer and does not hold up the server. */
  #flush(): void {
    while (this.#stream?.ready) {
      const envelope = this.#buffer?.take();
      if (!envelope) return;
      void this.#stream.send(envelope);
    }
  }
}

/** What the server asks, and that it wants no answer any more. */
export function isQuestion(message: JsonRpcMessage): boolean {
  return isRequest(message) || cancelledId(message) !== undefined;
}
