/** `GET /events`: what happens in the gateway, as Server-Sent Events, for each who listens. */
import { escaped } from "../base/outside.ts";
import type { Caller } from "../core/caller.ts";
import type { GatewayEvent, Sink } from "../core/events.ts";
import { type Accounts, Unread } from "../core/unread.ts";
import { EventStream } from "../frontends/event_stream.ts";
import { toldFields } from "../observe/told_event.ts";
import { encodeEvent } from "../wire/sse.ts";
import type { AdminTarget } from "./target.ts";

const KEEP_ALIVE_MS = 15_000;
/** For one who listens, and does not read: some seconds of a busy gateway. Who is further behind is dropped. */
const WAITING = { maxBufferedMessages: 1_000, maxBufferedBytes: 1024 * 1024 };
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
const STALL_MS = 60_000;

export class EventFeed {
  readonly #target: Pick<AdminTarget, "subscribe">;
  readonly #unread: Unread;
  readonly #accounts: Accounts;
  /** With what ends the telling of each. */
  readonly #streams = new Map<EventStream, () => void>();
  #listener = 0;
  /** Of the last event that somebody listened to. */
  #id = 0;

  constructor(target: Pick<AdminTarget, "subscribe">, emit: Sink) {
    this.#target = target;
    this.#unread = new Unread({
      maxUnreadBytes: MAX_WAITING_BYTES,
      stallTimeoutMs: STALL_MS,
      emit,
    });
    this.#accounts = this.#unread.within(WAITING);
  }

  /** A stream of all events from now on. */
  open(caller: Caller): Response {
    const stream: EventStream = new EventStream({
      ...{ session: `admin-${++this.#listener}`, unread: this.#accounts, caller, keepAliveMs: KEEP_ALIVE_MS },
      onGone: () => this.#forget(stream),
    });
    const tell = (event: GatewayEvent) => void stream.send(this.#encoded(event));
    this.#streams.set(stream, this.#target.subscribe(tell));
    // A client learns at once that it listens.
    void stream.send(":\n\n");
    return stream.response();
  }

  /** Ends all streams after what was sent. */
  close(): void {
    for (const stream of [...this.#streams.keys()]) {
      this.#forget(stream);
      stream.close();
    }
    // The listener ends who takes too long from now on.
    this.#unread[Symbol.dispose]();
  }

  #forget(stream: EventStream): void {
    this.#streams.get(stream)?.();
    this.#streams.delete(stream);
  }

  #encoded(event: GatewayEvent): string {
    const data = { time: new Date().toISOString(), type: event.type, ...toldFields(event) };
    return encodeEvent({ id: `${++this.#id}`, event: event.type, data: escaped(JSON.stringify(data)) });
  }
}
