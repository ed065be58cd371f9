/** What CORS is given to be held against whole origins, and no origin can match. */
import { shownPattern } from "./slow_patterns.ts";

const WAY_OUT = "put that in front, as in /https?:\\/\\/localhost(:\\d+)?/";

/** A warning for each of them; `name` is that of the option. */
export function vainPatterns(name: string, origins: readonly (string | RegExp)[] = []): string[] {
  return origins.filter((origin) => origin instanceof RegExp).filter(isVain).map((pattern) =>
    `${name} ${shownPattern(pattern)} lets nobody in: a pattern is held against the whole origin, ` +
    `which begins with a scheme; ${WAY_OUT}`
  );
}

/** True where it is certain: each origin but one has `://` in it. */
function isVain(pattern: RegExp): boolean {
  return !pattern.test("null") && !canHoldSlashes(pattern.source);
}

function canHoldSlashes(source: string): boolean {
  // A slash that is written, as a number or otherwise.
  if (/\/|\\[xucpPk0-9]/.test(source)) return true;
  const kinds = source.slice("^(?:".length, -")$".length)
    .replace(/\\[WSD]|\[(?:\\.|[^\]\\])*\]/g, ".").replace(/\\./g, "a")
    // What need not be there may stand between two that match a slash each.
    .replace(/[^.()](?:[?*]|\{0)/g, "");
  const repeated = kinds.includes(".") && /\)[*+{]/.test(kinds);
  return repeated || /\.[.*+{]/.test(kinds.replace(/[()?:|^$]/g, ""));
}
