import { readFlags } from "./flags.ts";
import { resolve, type ResolvedConfig } from "./resolve.ts";

/** What a command line comes to; the texts end without a newline. */
export type ParseOutcome =
  | { kind: "help"; text: string }
  | { kind: "version"; text: string }
  | { kind: "run"; config: ResolvedConfig; warnings: string[] };

/** Throws ConfigError with one line that names the flag, the value and what is allowed; never prints, never exits. */
export function parseArgs(argv: readonly string[], version: string): ParseOutcome {
  const dashes = argv.indexOf("--");
  const flags = readFlags(dashes < 0 ? argv : argv.slice(0, dashes), version);
  if (flags.kind !== "values") return flags;
  const operands = { argv: dashes < 0 ? [] : argv.slice(dashes + 1), url: flags.url };
  return { kind: "run", ...resolve(flags.values, operands) };
}
