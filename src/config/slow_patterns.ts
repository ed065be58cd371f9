import type { RedosDetectorResult } from "redos-detector";
import type { CorsOrigins } from "../policies/cors.ts";
import { located } from "./judge.ts";
import type { Layered } from "./layers.ts";
import type { Problem } from "./problem.ts";

/** Ways to match the same beginning of an origin: patterns that a list of hosts needs have three at most. */
const MAX_WAYS = 20;
/** How far the search for them goes, which bounds its time. */
const MAX_STEPS = 5_000;
const WAY_OUT = "expected one whose repetitions cannot match the same text, such as " +
  "/https:\\/\\/([^.:]+\\.)*example\\.com(:\\d+)?/";

/** The patterns of origins that a made-up Origin could hold the gateway with. */
export async function slowPatterns(origins: CorsOrigins | undefined, given: Layered): Promise<Problem[]> {
  if (origins === undefined || origins === "*") return [];
  const patterns = origins.filter((origin) => origin instanceof RegExp);
  if (patterns.length === 0) return [];
  // Only now: most starts of the gateway have no need of it.
  const { isSafePattern } = await import("redos-detector");
  return patterns.flatMap((pattern) => {
    const check = () => isSafePattern(pattern.source, { maxScore: MAX_WAYS, maxSteps: MAX_STEPS });
    const doubt = doubtOf(check);
    if (doubt === undefined) return [];
    const text = `${given.nameOf("cors")} ${shownPattern(pattern)}: ${doubt}; ${WAY_OUT}`;
    return [located({ option: "cors", text }, given)];
  });
}

/** As it was given, in quotes. */
export function shownPattern({ source }: RegExp): string {
  return JSON.stringify(`/${source.slice("^(?:".length, -")$".length)}/`);
}

/** What is not cleared is refused: what has too many ways, what took too long, and what the library cannot read. */
function doubtOf(check: () => RedosDetectorResult): string | undefined {
  const slow = "an Origin could make this pattern backtrack for long";
  try {
    const { safe, error } = check();
    if (safe) return undefined;
    return error === "hitMaxScore" ? slow : `it cannot be found out in time whether ${slow}`;
  } catch {
    return `it cannot be found out whether ${slow}`;
  }
}
