/**
 * Runs measurements in rounds, so that a slow minute of the machine hits all alike: A B C, C B A, and so on: each comes
 * as often before its neighbours as after them, whatever they leave behind.
 */
import type { Cell, Figures, Results } from "./results.ts";

export interface RoundsOptions {
  readonly rounds: number;
  /** No measurement takes longer. */
  readonly limitMs: number;
  /** How long one that took too long may take to end. */
  readonly graceMs?: number;
  readonly progress?: (line: string) => void;
}

/** Measures every cell once in each round; one that fails is left out of the rounds after. */
export async function runRounds(
  cells: readonly Cell[],
  results: Results,
  options: RoundsOptions,
): Promise<void> {
  const failed = new Set<Cell>();
  for (let round = 1; round <= options.rounds; round++) {
    for (const cell of round % 2 === 1 ? cells : cells.toReversed()) {
      if (failed.has(cell)) continue;
      options.progress?.(`round ${round}: ${cell.name} ${cell.contestant}`);
      try {
        results.add(cell, await measureInTime(cell, options));
      } catch (error) {
        failed.add(cell);
        results.fail(cell, error);
      }
    }
  }
}

async function measureInTime(cell: Cell, { limitMs, graceMs = 5_000 }: RoundsOptions): Promise<Figures> {
  const abort = new AbortController();
  const work = cell.measure(abort.signal);
  const figures = await settledWithin(work, limitMs);
  if (figures) return figures;
  abort.abort(new Error(`Took longer than ${limitMs / 1000} s`));
  // What it started is still ending, and would disturb the next measurement.
  await settledWithin(work.catch(() => ({})), graceMs);
  throw abort.signal.reason;
}

/** Undefined when it takes longer. */
async function settledWithin(work: Promise<Figures>, ms: number): Promise<Figures | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
