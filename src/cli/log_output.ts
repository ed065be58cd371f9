/** Where the log goes: to stderr, or to a file of its own. */
import { within } from "../base/waiting.ts";
import { LogFile } from "../observe/log_file.ts";
import { type LineWriter, lineWriter } from "../observe/line_writer.ts";
import type { LogSettings } from "../observe/options.ts";

/** A disk that does not take what is left must not hold up the end. */
const FLUSH_MS = 1_000;

interface LogOutput extends AsyncDisposable {
  write(line: string): void;
}

/** Throws ConfigError for a file that cannot be written. */
export function logOutput({ logFile, logMaxBytes, logKeep }: LogSettings, stderr: LineWriter): LogOutput {
  if (logFile === undefined) {
    return { write: (line) => stderr.write(line), [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const file = LogFile.open(logFile, { maxBytes: logMaxBytes, keep: logKeep });
  const writer = lineWriter(file);
  return {
    write: (line) => writer.write(line),
    async [Symbol.asyncDispose]() {
      if (await within(FLUSH_MS, writer.flush())) file.close();
    },
  };
}
