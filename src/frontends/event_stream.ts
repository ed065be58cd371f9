/** One SSE response: the Web Stream at the edge, its keep-alive comments and the news that the client left. */
import { KEEP_ALIVE_COMMENT } from "../wire/sse.ts";

/** How much may wait for a client that reads slowly before the sender is held back. */
const HIGH_WATER_BYTES = 64 * 1024;

export interface EventStreamOptions {
  /** A comment is sent after this many milliseconds of silence. */
  readonly keepAliveMs: number;
  /** The client went away; not called when the gateway ends the stream. */
  readonly onGone: () => void;
  /** The client has caught up with what was sent. */
  readonly onRoom?: () => void;
}

export class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #room: PromiseWithResolvers<void> | undefined;
  #open = true;
  #spoke = false;
  readonly #keepAlive: ReturnType<typeof setInterval>;

  constructor(options: EventStreamOptions) {
    const { keepAliveMs, onGone, onRoom } = options;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => {
        this.#release();
        onRoom?.();
      },
      cancel: () => {
        this.#stop();
        onGone();
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_BYTES }));
    this.#keepAlive = setInterval(() => this.#tick(), keepAliveMs);
  }

  get open(): boolean {
    return this.#open;
  }

  /** True while the client is behind with reading. */
  get full(): boolean {
    return (this.#controller.desiredSize ?? 0) <= 0;
  }

  /** Takes text in SSE form; a returned promise settles when the client has caught up. */
  send(text: string): Promise<void> | void {
    if (!this.#open) return;
    this.#spoke = true;
    this.#controller.enqueue(this.#encoder.encode(text));
    // The runtime may find out in the middle of `enqueue` that the client is gone: then nobody makes room any more.
    if (!this.#open || (this.#controller.desiredSize ?? 0) > 0) return;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Ends the response after what was sent. */
  close(): void {
    if (!this.#open) return;
    this.#stop();
    this.#controller.close();
  }

  response(headers: HeadersInit = {}): Response {
    const all = new Headers(headers);
    all.set("Content-Type", "text/event-stream");
    all.set("Cache-Control", "no-cache, no-transform");
    // Asks nginx and its like not to hold the events back.
    all.set("X-Accel-Buffering", "no");
    return new Response(this.body, { headers: all });
  }

  #tick(): void {
    if (!this.#spoke) void this.send(KEEP_ALIVE_COMMENT);
    this.#spoke = false;
  }

  #stop(): void {
    this.#open = false;
    clearInterval(this.#keepAlive);
    this.#release();
  }

  #release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
