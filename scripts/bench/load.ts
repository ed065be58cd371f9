/** The built-in load generator: a closed loop for throughput, an open one for the tail of the latency. */
import process from "node:process";
import { setImmediate } from "node:timers";
import type { Caller } from "./caller.ts";
import { answerCheck, type Ids, type Shape } from "./calls.ts";
import { latencyFigures } from "./stats.ts";

interface LoadOptions {
  readonly seconds: number;
  readonly shape: Shape;
  readonly ids: Ids;
  /** Ends the load early, with its reason as the error. */
  readonly signal: AbortSignal;
}

export interface LoadFigures {
  /** Answers a second. */
  readonly rate: number;
  /** In milliseconds, like p99. */
  readonly p50: number;
  readonly p99: number;
  /** The share of a core that the load took, in percent: near 100, it is what was measured. Unknown of wrk. */
  readonly load?: number;
}

/** Each caller calls again as soon as it has its answer. Closes the callers. */
export async function closedLoop(callers: readonly Caller[], options: LoadOptions): Promise<LoadFigures> {
  const check = answerCheck(options.shape);
  const start = performance.now();
  const end = start + options.seconds * 1000;
  const run = async ({ call }: Caller, latencies: number[]) => {
    for (let sent = performance.now(); sent < end;) {
      const id = options.ids.next();
      check(await call(id), id);
      const now = performance.now();
      latencies.push(now - sent);
      sent = now;
    }
  };
  return await measured(callers, options.signal, async (latencies) => {
    await Promise.all(callers.map((caller) => run(caller, latencies)));
    return start;
  });
}

/** Calls are due at a fixed rate, and one that waits for a free caller waits on the gateway's account. Closes the callers. */
export async function openLoop(
  callers: readonly Caller[],
  options: LoadOptions & { readonly rate: number },
): Promise<LoadFigures> {
  const { rate, seconds, ids } = options;
  const check = answerCheck(options.shape);
  return await measured(callers, options.signal, async (latencies) => {
    const free = [...callers];
    const failures: unknown[] = [];
    const run = async (caller: Caller, due: number) => {
      const id = ids.next();
      check(await caller.call(id), id);
      latencies.push(performance.now() - due);
      free.push(caller);
    };
    const start = performance.now();
    const dueAt = (index: number) => start + index * 1000 / rate;
    for (let index = 0; dueAt(index) < start + seconds * 1000 || free.length < callers.length;) {
      const more = dueAt(index) < start + seconds * 1000;
      const caller = more && dueAt(index) <= performance.now() ? free.pop() : undefined;
      // Timers are too coarse to wait for the next one; the load has a core of its own to spin on.
      if (caller) run(caller, dueAt(index++)).catch((error) => failures.push(error));
      else await turn();
      if (failures.length > 0) throw failures[0];
    }
    return start;
  });
}

/** Runs a load that fills in the latencies and resolves to when it started. */
async function measured(
  callers: readonly Caller[],
  signal: AbortSignal,
  load: (latencies: number[]) => Promise<number>,
): Promise<LoadFigures> {
  const close = () => callers.forEach((caller) => caller.close());
  signal.addEventListener("abort", close, { once: true });
  try {
    const latencies: number[] = [];
    const cpu = process.cpuUsage();
    const start = await load(latencies);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const busy = (user + system) / 1e6 / seconds * 100;
    return { rate: latencies.length / seconds, ...latencyFigures(latencies), load: busy };
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/** Lets everything else of the event loop have its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
