/** One SSE response: its keep-alive comments and the news that the client left. */
import { EVENT_STREAM, KEEP_ALIVE_COMMENT } from "../wire/sse.ts";
import { Outgoing, type OutgoingOptions } from "./outgoing.ts";

export interface EventStreamOptions extends OutgoingOptions {
  /** A comment is sent after this many milliseconds of silence. */
  readonly keepAliveMs: number;
}

export class EventStream {
  readonly #out: Outgoing;
  #spoke = false;
  readonly #keepAlive: ReturnType<typeof setInterval>;

  constructor(options: EventStreamOptions) {
    this.#out = new Outgoing({
      ...options,
      onGone: () => {
        clearInterval(this.#keepAlive);
        options.onGone?.();
      },
    });
    this.#keepAlive = setInterval(() => this.#tick(), options.keepAliveMs);
  }

  get isOpen(): boolean {
    return this.#out.isOpen;
  }

  /** True while the client is behind with reading. */
  get full(): boolean {
    return this.#out.full;
  }

  /** Takes text in SSE form; a returned promise settles when the client has caught up. */
  send(text: string): Promise<void> | void {
    if (!this.isOpen) return;
    this.#spoke = true;
    return this.#out.send(text);
  }

  /** Ends the response after what was sent. */
  close(): void {
    clearInterval(this.#keepAlive);
    this.#out.end();
  }

  response(headers: HeadersInit = {}): Response {
    const all = new Headers(headers);
    all.set("Content-Type", EVENT_STREAM);
    all.set("Cache-Control", "no-cache, no-transform");
    // Asks nginx and its like not to hold the events back.
    all.set("X-Accel-Buffering", "no");
    return new Response(this.#out.body, { headers: all });
  }

  /** No keep-alive for a client that is behind with reading: it would only be queued. */
  #tick(): void {
    if (!this.#spoke && !this.full) void this.send(KEEP_ALIVE_COMMENT);
    this.#spoke = false;
  }
}
