/** The command line: which command is meant, and what becomes of its errors. Errors become output here and nowhere else. */
import { ConfigError, messageOf } from "../core/errors.ts";
import { escaped } from "../base/outside.ts";
import { safeText } from "../base/telling.ts";
import { within } from "../base/waiting.ts";
import { type LineWriter, lineWriter } from "../observe/line_writer.ts";
import { type ExitCode, Interrupted } from "./command.ts";
import { commandOf } from "./commands.ts";
import { takeOwnCommand } from "./own_command.ts";

/** What a fatal error may quote is not ours. */
const FAILURE_CHARS = 1_000;

/** What waits in our pipes at the end is lost when nobody reads it for so long: a full pipe must not hold up the exit. */
const FLUSH_MS = 1_000;

/** Runs the command line to its end; settles with the exit code. */
export async function main(argv: readonly string[], version: string): Promise<ExitCode> {
  takeOwnCommand();
  const [stdout, stderr] = [lineWriter(Deno.stdout), lineWriter(Deno.stderr)];
  try {
    const { load, args } = commandOf(argv);
    const { run } = await load();
    return await run(args, { version, stdout, stderr });
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    const usage = error instanceof ConfigError;
    stderr.write(
      usage
        // One line for each problem.
        ? error.message.split("\n").map((line) => `keystone: ${line}\n`).join("")
        : `keystone: failed: ${escaped(safeText(messageOf(error), FAILURE_CHARS))}\n`,
    );
    return usage ? 2 : 1;
  } finally {
    await flushed([stdout, stderr]);
  }
}

async function flushed(writers: readonly LineWriter[]): Promise<void> {
  await within(FLUSH_MS, Promise.all(writers.map((writer) => writer.flush())));
}
