/** A test that hangs says so, instead of holding up all that follow. */

/** Far above what any test here needs, also on a machine that is many times as busy as it can be. */
export const DEADLINE_MS = 120_000;

/** Settles as the promise does; throws when that takes too long. */
export async function inTime<T>(promise: Promise<T>, what: string, deadlineMs = DEADLINE_MS): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what} did not come within ${deadlineMs} ms`)),
    deadlineMs,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
