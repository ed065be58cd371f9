/** What a command is given, and what it comes to. */
import type { LineWriter } from "../observe/line_writer.ts";

/** 0 done, or stopped on request; 1 failed; 2 wrong usage; 3 the gateway that is asked about does not run. */
export type ExitCode = 0 | 1 | 2 | 3 | InterruptedCode;

/** As shells have it: 128 and the number of the signal. */
const INTERRUPTED = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type Ending = keyof typeof INTERRUPTED;
type InterruptedCode = (typeof INTERRUPTED)[Ending];

/** A signal, or the key for one, has ended a command that nobody is told anything of. */
export class Interrupted extends Error {
  readonly exitCode: ExitCode;

  constructor(ending: Ending) {
    super(ending);
    this.exitCode = INTERRUPTED[ending];
  }
}

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
