/** The streams of a session that its client came back to, even if their request is answered by now. */
import type { Caller } from "../../core/caller.ts";
import { EVENT_STREAM } from "../../wire/sse.ts";
import { MessageStream } from "./message_stream.ts";
import { notResumable, type Position, type SessionEvents } from "./session_events.ts";
import type { SessionSettings } from "./session_group.ts";

/** The session whose streams they are. */
export interface ResumableSession {
  readonly id: string;
  readonly settings: SessionSettings;
  /** The headers that an answer begins with. */
  sessionHeaders(): Record<string, string>;
  /** The stream of this name, while more may follow on it. */
  streamNamed(name: string): MessageStream | undefined;
  /** The client went away. */
  onGone(): void;
}

export class ResumedStreams {
  readonly #session: ResumableSession;
  readonly #events: SessionEvents;
  readonly #streams = new Set<MessageStream>();

  constructor(session: ResumableSession, events: SessionEvents) {
    this.#session = session;
    this.#events = events;
  }

  /** Whether one of them still has its client. */
  get connected(): boolean {
    this.#forgetLeft();
    return this.#streams.size > 0;
  }

  /** Goes on with the stream of that event, behind it. Throws RequestError when that is not possible. */
  async resume(lastEventId: string, caller: Caller | undefined): Promise<Response> {
    const position = this.#events.position(lastEventId);
    const response = position && await this.#resumeAt(position, caller);
    if (response) return response;
    throw notResumable(lastEventId, "it is unknown here, or what followed it is no longer kept");
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  async #resumeAt(position: Position, caller: Caller | undefined): Promise<Response | undefined> {
    const live = this.#session.streamNamed(position.stream);
    const log = live ? undefined : await this.#events.finished(position);
    // Clients come back even for what they have completely, and stop only when they are told so in this way.
    if (log?.last === position.sequence) return nothingMore(this.#session.sessionHeaders());
    const { id: session, settings: { keepAliveMs, unread } } = this.#session;
    const ended = log &&
      new MessageStream({
        ...{ session, keepAliveMs, unread, log, ended: true },
        onGone: () => this.#session.onGone(),
      });
    const stream = live ?? ended;
    const response = await stream?.resume(position.sequence, this.#session.sessionHeaders(), caller);
    this.#forgetLeft();
    if (stream && response) this.#streams.add(stream);
    return response;
  }

  #forgetLeft(): void {
    for (const stream of this.#streams) if (!stream.connected) this.#streams.delete(stream);
  }
}

/** An event stream with nothing in it; its status is how EventSource is told not to come again. */
function nothingMore(headers: HeadersInit): Response {
  const all = new Headers(headers);
  all.set("Content-Type", EVENT_STREAM);
  return new Response(null, { status: 204, headers: all });
}
