/** The events of an SSE stream over as many connections as it takes. */
import { GatewayError } from "../core/errors.ts";
import { pause, pauseBefore, type Retry } from "../core/retry.ts";
import { type OnSkipped, readEvents, type ReceivedEvent } from "../wire/sse_reader.ts";
import { RemoteError } from "./remote_error.ts";

export interface EventSourceOptions {
  /** The connection that is there already, if one is. */
  readonly first?: Response | undefined;
  /** Opens the next connection, after the event of this id where one was seen. Throws when there is none to be had. */
  readonly open: (cursor: string | undefined) => Promise<Response>;
  /** "answer": worth another connection only where it can go on after the last event, and not for ever. */
  readonly kind: "answer" | "standing";
  readonly retry: Retry;
  readonly maxBytes: number;
  /** Hears of an event that was too long; without it, that is the end. */
  readonly onSkipped?: OnSkipped | undefined;
  readonly signal: AbortSignal;
}

/** `retry: 0` must not become a loop without a pause. */
const MIN_PAUSE_MS = 20;

/** Ends when an answer's stream cannot be resumed; throws what cannot be mended by trying again. */
export async function* eventSource(options: EventSourceOptions): AsyncGenerator<ReceivedEvent> {
  const { kind, retry, maxBytes, onSkipped, signal, open } = options;
  let response = options.first;
  let cursor: string | undefined;
  let reconnectMs: number | undefined;
  for (let failures = 0;; failures++) {
    let retryAfterMs = 0;
    const since = performance.now();
    try {
      response ??= await open(cursor);
      const onRetry = (ms: number) => void (reconnectMs = ms);
      for await (const event of readEvents(response.body ?? nothing(), { maxBytes, onRetry, onSkipped })) {
        failures = 0;
        cursor = event.id ?? cursor;
        yield event;
      }
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      if (error instanceof RemoteError) retryAfterMs = error.retryAfterMs ?? 0;
    }
    response = undefined;
    // A stream that lasted was no failure: proxies close what has been idle for a while.
    if (performance.now() - since >= retry.maxDelayMs) failures = 0;
    if (kind === "answer" && (cursor === undefined || failures >= retry.attempts)) return;
    // The server's wish is for a stream that just ended; where nothing comes at all, nobody hurries.
    const usualMs = reconnectMs !== undefined && failures === 0
      ? reconnectMs
      : pauseBefore(failures + 1, retry);
    const wishedMs = Math.max(usualMs, reconnectMs ?? 0, retryAfterMs, MIN_PAUSE_MS);
    await pause(Math.min(wishedMs, Math.max(retry.maxDelayMs, MIN_PAUSE_MS)), signal);
  }
}

/** A broken bound of ours will not go away by asking again. */
function isFinal(error: unknown): boolean {
  return error instanceof RemoteError ? error.permanent : error instanceof GatewayError;
}

function nothing(): ReadableStream<Uint8Array> {
  return new Blob().stream();
}
