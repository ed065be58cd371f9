/** An override as it may be shown: without secrets. */
import { safeValue, type TellingLimits } from "../base/telling.ts";
import type { Override } from "./override.ts";

const LIMITS: TellingLimits = { maxChars: 1_000, maxTotal: 16_000 };

/** Each field by itself: together, arguments count as a secret by their name. */
export function shownOverride({ args, env, headers }: Override): Record<string, unknown> {
  return {
    ...args !== undefined && { args: safeValue(args, LIMITS) },
    ...env !== undefined && { env: safeValue(env, LIMITS) },
    ...headers !== undefined && { headers: safeValue(headers, LIMITS) },
  };
}
