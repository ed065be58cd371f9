/** Two bounds of which one makes the other mean nothing. */
import { ConfigError } from "../core/errors.ts";
import { findOption, type OptionKey, type Options, type RawOptions } from "./options.ts";

interface Pair {
  /** May not be beyond the other. */
  readonly flag: OptionKey;
  readonly bound: OptionKey;
  /** What becomes of the first. */
  readonly because: string;
}

const PAIRS: readonly Pair[] = [
  { flag: "requestTimeout", bound: "maxRequestTime", because: "which ends the call before" },
  { flag: "progressHeartbeat", bound: "requestTimeout", because: "which ends a silent call before" },
  { flag: "restartDelay", bound: "restartMaxDelay", because: "which is the longest pause" },
  { flag: "retryDelay", bound: "retryMaxDelay", because: "which is the longest pause" },
  { flag: "maxConnectionsPerAddress", bound: "maxConnections", because: "which is for all addresses" },
  { flag: "maxBodySize", bound: "maxBodiesInFlight", because: "which is for all bodies" },
  { flag: "maxBufferedSize", bound: "maxUnreadSize", because: "which is for all clients" },
];

/** Only of what somebody has written: a default gives way to a bound. */
export function refuseContradictions(raw: RawOptions, values: Options): void {
  for (const { flag, bound, because } of PAIRS) {
    const [value, limit] = [values[flag], values[bound]];
    if (raw[flag] === undefined || typeof value !== "number" || typeof limit !== "number") continue;
    if (value <= limit) continue;
    throw new ConfigError(
      `--${flag} ${JSON.stringify(raw[flag])}: beyond --${bound}, ${because} (${
        shownBound(raw, bound)
      }); lower the first or raise the second`,
    );
  }
}

function shownBound(raw: RawOptions, bound: OptionKey): string {
  return raw[bound] === undefined ? `by default ${findOption(bound)?.default}` : String(raw[bound]);
}
