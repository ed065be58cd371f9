/** One command line over another: what the later one gives takes the place of what the earlier one gave. */
import { readFlags } from "./flags.ts";
import { findOption, type OptionKey, type RawOptions } from "./options.ts";

/** Each of them says which server is meant, as an operand does. */
const SERVER_KEYS: ReadonlySet<string> = new Set<OptionKey>(["stdio", "streamableHttp", "sse", "ws"]);

interface Line {
  readonly values: RawOptions;
  readonly url?: URL;
  /** A file, or whether none is to be looked for. */
  readonly config?: string | false;
  /** After `--`. */
  readonly command: readonly string[];
}

/** A list is replaced as a whole. Throws ConfigError for flags that there are not. */
export function mergedFlags(earlier: readonly string[], later: readonly string[], version: string): string[] {
  const [one, other] = [readLine(earlier, version), readLine(later, version)];
  const server = namesServer(other) ? other : one;
  const kept = Object.entries(one.values).filter(([key]) => server === one || !SERVER_KEYS.has(key));
  return [
    ...flagsOf({ ...Object.fromEntries(kept), ...other.values }),
    ...configFlag(other.config ?? one.config),
    ...server.url ? [server.url.href] : [],
    ...server.command.length > 0 ? ["--", ...server.command] : [],
  ];
}

function readLine(args: readonly string[], version: string): Line {
  const dashes = args.indexOf("--");
  const flags = readFlags(dashes < 0 ? args : args.slice(0, dashes), version);
  const command = dashes < 0 ? [] : args.slice(dashes + 1);
  return flags.kind === "values" ? { ...flags, command } : { values: {}, command };
}

function configFlag(config: string | false | undefined): string[] {
  if (config === undefined) return [];
  return [config === false ? "--no-config" : `--config=${config}`];
}

function namesServer({ values, url, command }: Line): boolean {
  return url !== undefined || command.length > 0 || Object.keys(values).some((key) => SERVER_KEYS.has(key));
}

/** Values as flags that have them read again. */
function flagsOf(values: RawOptions): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    if (!Array.isArray(value)) return [`--${key}=${value}`];
    return findOption(key)?.list === "commas"
      ? [`--${key}=${value.join(",")}`]
      : value.map((one) => `--${key}=${one}`);
  });
}
