/** What a command is given, and what it comes to. */
import type { LineWriter } from "../observe/line_writer.ts";

/** 0 done, or stopped on request; 1 failed; 2 wrong usage; 3 the gateway that is asked about does not run. */
export type ExitCode = 0 | 1 | 2 | 3;

export interface CommandContext {
  readonly version: string;
  readonly stdout: LineWriter;
  readonly stderr: LineWriter;
}

/** What the module of a command exports. */
export interface Command {
  /** Runs it to its end. Throws ConfigError for wrong usage. */
  run(args: readonly string[], context: CommandContext): Promise<ExitCode>;
}
