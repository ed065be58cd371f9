/** Time that passes when a test says so: `performance.now`, `Date.now` and `setTimeout` of the whole process. */

export interface FakeClock extends Disposable {
  /** How many timers wait. */
  readonly timers: number;
  /** Lets so much time pass; what is due runs in its order. */
  pass(ms: number): void;
}

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Until disposal; timers from before stay real. */
export function fakeClock(): FakeClock {
  const { setTimeout: realTimeout, clearTimeout: realClear } = globalThis;
  const [realNow, realDate] = [performance.now, Date.now];
  const begun = Date.now();
  const timers = new Map<unknown, Timer>();
  let now = 0;
  performance.now = () => now;
  Date.now = () => begun + now;
  const fakeTimeout = (run: () => void, ms = 0) => {
    // Only its identity counts.
    const timer = realTimeout(() => {}, ms);
    realClear(timer);
    timers.set(timer, { at: now + ms, run });
    return timer;
  };
  globalThis.setTimeout = Object.assign(fakeTimeout, { __promisify__: realTimeout.__promisify__ });
  globalThis.clearTimeout = (timer) => {
    if (!timers.delete(timer)) realClear(timer);
  };
  const next = (until: number) =>
    [...timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
  return {
    get timers() {
      return timers.size;
    },
    pass(ms) {
      const until = now + ms;
      for (let due = next(until); due; due = next(until)) {
        const [timer, { at, run }] = due;
        timers.delete(timer);
        now = at;
        run();
      }
      now = until;
    },
    [Symbol.dispose]() {
      Object.assign(globalThis, { setTimeout: realTimeout, clearTimeout: realClear });
      performance.now = realNow;
      Date.now = realDate;
    },
  };
}
