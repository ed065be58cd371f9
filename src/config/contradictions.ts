/** Two bounds of which one makes the other mean nothing. */
import { quoted } from "../base/outside.ts";
import { findOption, type OptionKey } from "./options.ts";
import type { ParsedOptions, Problem } from "./problem.ts";

interface Pair {
  /** May not be beyond the other. */
  readonly option: OptionKey;
  readonly bound: OptionKey;
  /** What becomes of the first. */
  readonly because: string;
}

const PAIRS: readonly Pair[] = [
  { option: "requestTimeout", bound: "maxRequestTime", because: "which ends the call before" },
  { option: "progressHeartbeat", bound: "requestTimeout", because: "which ends a silent call before" },
  { option: "restartDelay", bound: "restartMaxDelay", because: "which is the longest pause" },
  { option: "retryDelay", bound: "retryMaxDelay", because: "which is the longest pause" },
  { option: "maxConnectionsPerAddress", bound: "maxConnections", because: "which is for all addresses" },
  { option: "authWait", bound: "authMaxWait", because: "which is the longest wait" },
  { option: "maxSessionsPerPrincipal", bound: "maxSessions", because: "which is for all callers" },
  { option: "maxBodySize", bound: "maxBodiesInFlight", because: "which is for all bodies" },
  { option: "maxBufferedSize", bound: "maxUnreadSize", because: "which is for all clients" },
];

/** Compares explicit values alone: a default gives way to a bound. */
export function contradictions(parsed: ParsedOptions): Problem[] {
  return [...beyondBounds(parsed), ...callTimesInVain(parsed)];
}

/** That a tool has no limit is no contradiction: it is about silence. */
function callTimesInVain({ raw, values: { callTimeout, maxRequestTime }, nameOf }: ParsedOptions): Problem[] {
  return callTimeout.filter(({ ms = 0 }) => ms > maxRequestTime).map(({ pattern }) => {
    const option = "callTimeout";
    const shown = `${nameOf(option)} ${quoted(pattern)}`;
    const bound = `${nameOf("maxRequestTime")}, which ends the call before (${
      shownBound(raw, "maxRequestTime")
    })`;
    return { option, text: `${shown}: beyond ${bound}; lower the first or raise the second` };
  });
}

function beyondBounds({ raw, values, nameOf }: ParsedOptions): Problem[] {
  return PAIRS.flatMap(({ option, bound, because }) => {
    const [value, limit] = [values[option], values[bound]];
    if (raw[option] === undefined || typeof value !== "number" || typeof limit !== "number") return [];
    if (value <= limit) return [];
    const shown = `${nameOf(option)} ${JSON.stringify(raw[option])}`;
    const why = `${because} (${shownBound(raw, bound)})`;
    const text = `${shown}: beyond ${nameOf(bound)}, ${why}; lower the first or raise the second`;
    return [{ option, text }];
  });
}

function shownBound(raw: ParsedOptions["raw"], bound: OptionKey): string {
  return raw[bound] === undefined ? `by default ${findOption(bound)?.default}` : String(raw[bound]);
}
