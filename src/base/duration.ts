const UNITS = [["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;

/** A time as users write it, in the largest unit that needs no fraction: `10m`, `90s`, `1500ms`. */
export function durationText(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms >= size && ms % size === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}
