/** A configuration, and how it is read anew: by the same command line, among the variables of the start. */
import { ConfigError } from "../core/errors.ts";
import type { ParseOutcome } from "../config/mod.ts";
import type { Loaded } from "./reload.ts";

export type Configured = Extract<ParseOutcome, { kind: "run" }>;

/** Where a configuration comes from that may be another one later. */
export interface Source {
  readonly load: () => Promise<Loaded>;
  /** The whole paths of the files that it was made of. */
  readonly files: readonly string[];
}

/** Undefined where there is no file, so nothing to read anew. */
export function sourceOf(configured: Configured, read: () => Promise<ParseOutcome>): Source | undefined {
  if (!configured.file) return undefined;
  const load = async () => {
    const outcome = await read();
    if (outcome.kind !== "run") throw new ConfigError("The command line asks for something else now");
    return { ...outcome, files: filesOf(outcome) };
  };
  return { load, files: filesOf(configured) };
}

function filesOf({ file }: Configured): string[] {
  return file ? [file.place, ...file.read] : [];
}
