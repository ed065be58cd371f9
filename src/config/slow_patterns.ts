import { ConfigError } from "../core/errors.ts";
import type { CorsOrigins } from "../policies/cors.ts";

/** Ways to match the same beginning of an origin: patterns that a list of hosts needs have three at most. */
const MAX_WAYS = 20;
/** How far the search for them goes, which bounds its time; what is not cleared by then is refused. */
const MAX_STEPS = 5_000;
const WAY_OUT = "expected one whose repetitions cannot match the same text, such as " +
  "/https:\\/\\/([^.:]+\\.)*example\\.com(:\\d+)?/";

/** Throws ConfigError for a pattern of `--cors` that a made-up Origin could hold the gateway with. */
export async function refuseSlowPatterns(origins: CorsOrigins | undefined): Promise<void> {
  if (origins === undefined || origins === "*") return;
  const patterns = origins.filter((origin) => origin instanceof RegExp);
  if (patterns.length === 0) return;
  // Only now: most starts of the gateway have no need of it.
  const { isSafePattern } = await import("redos-detector");
  for (const { source } of patterns) {
    const shown = `--cors ${JSON.stringify(`/${source.slice("^(?:".length, -")$".length)}/`)}`;
    if (!cleared(() => isSafePattern(source, { maxScore: MAX_WAYS, maxSteps: MAX_STEPS }).safe)) {
      throw new ConfigError(`${shown}: an Origin could make this pattern backtrack for ever; ${WAY_OUT}`);
    }
  }
}

/** What the library cannot read, it cannot clear. */
function cleared(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
