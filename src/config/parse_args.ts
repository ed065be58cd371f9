import { readFlags } from "./flags.ts";
import { flagName } from "../base/option_name.ts";
import { accepted, resolve, type Resolved } from "./resolve.ts";

/** What a command line comes to; the texts end without a newline. */
export type ParseOutcome =
  | { kind: "help"; text: string }
  | { kind: "version"; text: string }
  | { kind: "run" } & Omit<Resolved, "kind">;

/** Throws ConfigError with a line for each problem: the flag, the value and what is allowed. Never prints, never exits. */
export function parseArgs(argv: readonly string[], version: string): ParseOutcome {
  const dashes = argv.indexOf("--");
  const flags = readFlags(dashes < 0 ? argv : argv.slice(0, dashes), version);
  if (flags.kind !== "values") return flags;
  const operands = { argv: dashes < 0 ? [] : argv.slice(dashes + 1), url: flags.url };
  const layer = { origin: "flag", values: flags.values, nameOf: flagName } as const;
  return { ...accepted(resolve([layer], operands)), kind: "run" };
}
