/** Levels of what servers log, as RFC 5424 has them (MCP logging page, "Log Levels"). */

/** From the most talkative on. */
export const LOG_LEVELS: readonly unknown[] = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
];

export function isLogLevel(value: unknown): value is string {
  return LOG_LEVELS.includes(value);
}

/** Whether what is logged at a level is for who wants to hear from another one on. */
export function reachesLevel(level: unknown, wanted: unknown): boolean {
  return reachesRank(LOG_LEVELS.indexOf(level), LOG_LEVELS.indexOf(wanted));
}

/** The same by where they stand in `LOG_LEVELS`. An unknown level (-1) passes: it cannot be compared. */
export function reachesRank(rank: number, wanted: number): boolean {
  return rank === -1 || rank >= wanted;
}
