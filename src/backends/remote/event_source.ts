/** The events of an SSE stream over as many connections as it takes. */
import { GatewayError } from "../../core/errors.ts";
import { pause, pauseBefore, type Retry } from "../../base/retry.ts";
import { type OnSkipped, readEvents, type ReceivedEvent } from "../../wire/sse_reader.ts";
import { RemoteError } from "./remote_error.ts";

export interface EventSourceOptions {
  /** The connection that is there already, if one is. */
  readonly first?: Response | undefined;
  /** Opens the next connection, after the event of this id where one was seen. Throws when there is none to be had. */
  readonly connect: (cursor: string | undefined) => Promise<Response>;
  /** "answer": worth another connection only where it can go on after the last event, and not for ever. */
  readonly kind: "answer" | "standalone";
  readonly retry: Retry;
  readonly maxBytes: number;
  /** Hears of an event that was too long; without it, that is the end. */
  readonly onSkipped?: OnSkipped | undefined;
  /** Hears that some connections in a row brought nothing new, and why the last of them failed, if it did. */
  readonly onFruitless?: ((failure: unknown) => void) | undefined;
  readonly signal: AbortSignal;
}

/** `retry: 0` must not become a loop without a pause. */
const MIN_PAUSE_MS = 20;
/** Connections in a row without a message that are reported; fewer may be a restart of the server. */
const FRUITLESS = 3;

/** Whether an event says something: one without data only primes the cursor (2025-11-25). */
export function isMessage({ event, data }: ReceivedEvent): boolean {
  return event === "message" && data !== "";
}

/**
 * Ends when an answer's stream ended and cannot be resumed; throws what cannot be mended by trying again, and what broke an
 * answer that cannot be resumed.
 */
export async function* eventSource(options: EventSourceOptions): AsyncGenerator<ReceivedEvent> {
  const { kind, retry, maxBytes, onSkipped, onFruitless, signal, connect } = options;
  const course = new Course(options);
  const onRetry = (ms: number) => void (course.reconnectMs = ms);
  let response = options.first;
  while (true) {
    let failure: unknown;
    course.begin();
    try {
      response ??= await connect(course.cursor);
      for await (const event of readEvents(response.body ?? nothing(), { maxBytes, onRetry, onSkipped })) {
        course.hear(event);
        yield event;
      }
    } catch (error) {
      const lost = kind === "answer" && course.cursor === undefined;
      if (signal.aborted || lost || isFinal(error)) throw error;
      failure = error;
    }
    response = undefined;
    course.end();
    if (kind === "answer" && (course.cursor === undefined || course.silent >= retry.attempts)) return;
    if (course.fruitless === FRUITLESS) onFruitless?.(failure);
    await pause(course.pauseMs(failure), signal);
  }
}

/** What the connections have brought so far, one after the other. */
class Course {
  cursor: string | undefined;
  reconnectMs: number | undefined;
  /** Connections in a row without a new message. */
  fruitless = 0;
  /** Connections in a row without any new event. */
  silent = 0;
  readonly #options: Pick<EventSourceOptions, "kind" | "retry">;
  #since = 0;
  /** The cursor at the beginning of this connection, and what it has brought. */
  #before: string | undefined;
  #said = false;
  #unnamed = false;

  constructor(options: Pick<EventSourceOptions, "kind" | "retry">) {
    this.#options = options;
  }

  /** Whether this connection brought a new event: one that is repeated on each leaves the cursor where it was. */
  get #moved(): boolean {
    return this.cursor !== this.#before;
  }

  begin(): void {
    this.#since = performance.now();
    this.#before = this.cursor;
    this.#said = this.#unnamed = false;
  }

  hear(event: ReceivedEvent): void {
    this.cursor = event.id ?? this.cursor;
    if (!isMessage(event)) return;
    this.#said = true;
    this.#unnamed ||= event.id === undefined;
  }

  end(): void {
    const news = this.#unnamed || (this.#said && this.#moved);
    // A stream that lasted was no failure: proxies close what has been idle for a while.
    const lasted = performance.now() - this.#since >= this.#options.retry.maxDelayMs;
    this.fruitless = news || lasted ? 0 : this.fruitless + 1;
    this.silent = news || lasted || this.#moved ? 0 : this.silent + 1;
  }

  /** The server's `retry:` holds after new messages, or while an answer is polled; else the pauses double. */
  pauseMs(failure: unknown): number {
    const { kind, retry } = this.#options;
    const { fruitless, reconnectMs = 0 } = this;
    const polled = kind === "answer" && this.#moved && reconnectMs > 0;
    const wished = this.reconnectMs !== undefined && (fruitless === 0 || polled);
    const usualMs = wished ? reconnectMs : pauseBefore(Math.max(1, fruitless), retry);
    const retryAfterMs = failure instanceof RemoteError ? failure.retryAfterMs ?? 0 : 0;
    const pauseMs = Math.max(usualMs, reconnectMs, retryAfterMs, MIN_PAUSE_MS);
    return Math.min(pauseMs, Math.max(retry.maxDelayMs, MIN_PAUSE_MS));
  }
}

/** A limit of ours that was exceeded will be exceeded on the next connection too. */
function isFinal(error: unknown): boolean {
  return error instanceof RemoteError ? error.permanent : error instanceof GatewayError;
}

function nothing(): ReadableStream<Uint8Array> {
  return new Blob().stream();
}
