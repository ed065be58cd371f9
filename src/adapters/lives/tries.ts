/** Opening a server in several tries, with pauses between them. */
import { BackendError, BusyError, serverFailure, TimeoutError } from "../../core/errors.ts";
import { pause, pauseBefore, type Retry } from "../../base/retry.ts";
import type { TrackRecord } from "./life.ts";
import type { ServerNews } from "./server_news.ts";

interface TriesOptions {
  /** How often it is tried again after the first failure. */
  readonly attempts: number;
  readonly retry: Retry;
  readonly record: TrackRecord;
  /** Ends every pause, and so does `stopping`. */
  readonly signal: AbortSignal;
  readonly stopping: AbortSignal | undefined;
  readonly news: ServerNews;
  /** Whether observers hear that it is given up. */
  readonly tellsGivenUp: boolean;
}

/** Gives what a try gave. Throws what the last one threw, or at once while the server counts as failed. */
export async function inTries(open: () => Promise<void>, options: TriesOptions): Promise<void> {
  const { attempts, retry, record, news } = options;
  throwIfOver(options);
  // Whoever breaks every connection is left alone for longer and longer; who will be refused need not wait for that.
  let attempt = record.failures;
  record.check();
  if (attempt > 0) {
    const pauseMs = pauseBefore(attempt, retry);
    news.nextTry(pauseMs, { cause: record.why });
    await pauseUnlessOver(pauseMs, options);
  }
  for (let tries = 1;; tries++) {
    try {
      return await open();
    } catch (error) {
      if (isOver(options)) throw error;
      if (isFinal(error) || ++attempt > attempts) {
        if (options.tellsGivenUp) news.givenUp(error, tries);
        throw error;
      }
      record.check();
      const pauseMs = pauseAfter(error, attempt, retry);
      news.nextTry(pauseMs, { cause: error, failure: serverFailure(error) });
      await pauseUnlessOver(pauseMs, options);
    }
  }
}

type Ends = Pick<TriesOptions, "signal" | "stopping">;

function isOver({ signal, stopping }: Ends): boolean {
  return signal.aborted || stopping?.aborted === true;
}

function throwIfOver({ signal, stopping }: Ends): void {
  signal.throwIfAborted();
  stopping?.throwIfAborted();
}

/** One signal of two is made where somebody waits, and not for each server that opens at once. */
function pauseUnlessOver(pauseMs: number, { signal, stopping }: Ends): Promise<void> {
  return pause(pauseMs, stopping ? AbortSignal.any([signal, stopping]) : signal);
}

/** Whoever found no room has waited for it already, and who kept silent had all the time there is. */
function isFinal(error: unknown): boolean {
  if (error instanceof BackendError) return error.permanent;
  return error instanceof BusyError || error instanceof TimeoutError;
}

/** As long as the server asks, within bounds. */
function pauseAfter(error: unknown, attempt: number, retry: Retry): number {
  const { retryAfterMs = 0 } = error instanceof BackendError ? error : {};
  return Math.min(Math.max(pauseBefore(attempt, retry), retryAfterMs), retry.maxDelayMs);
}
