/** Exponential backoff with full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */

export interface Retry {
  /** How often something is tried again after its first failure. */
  readonly attempts: number;
  /** The longest first pause. */
  readonly firstDelayMs: number;
  /** No pause is longer. */
  readonly maxDelayMs: number;
}

/** The pause before try number `attempt` (1 is the first repetition). */
export function pauseBefore(
  attempt: number,
  { firstDelayMs, maxDelayMs }: Retry,
  random = Math.random,
): number {
  return random() * Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1));
}

/** Settles after the pause; rejects with the signal's reason when that fires first. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
