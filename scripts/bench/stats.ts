/** Percentiles of latencies, and what several rounds say together. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The nearest-rank percentile of sorted values; throws RangeError where there are none. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.max(1, Math.ceil(sorted.length * percent / 100));
  const value = sorted[rank - 1];
  if (value === undefined) throw new RangeError("No percentile of nothing");
  return value;
}

/** Throws RangeError where there are no values. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError("No spread of nothing");
  return { median: (percentile(sorted, 50) + middleFromAbove(sorted)) / 2, min, max };
}

/** Of an even count, the upper one of the two in the middle. */
function middleFromAbove(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The p50 and p99 of latencies in milliseconds. */
export function latencyFigures(latencies: readonly number[]): { p50: number; p99: number } {
  const sorted = Float64Array.from(latencies).sort();
  return { p50: percentile(sorted, 50), p99: percentile(sorted, 99) };
}
