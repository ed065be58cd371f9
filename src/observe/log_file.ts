/** A log file of its owner alone, which goes on in a new one when it is full: `log`, and before it `log.1`, `log.2`, … */
import { optionName } from "../base/option_name.ts";
import { ConfigError, messageOf } from "../core/errors.ts";

const PRIVATE = 0o600;

interface LogFileOptions {
  /** A file that would pass it with what is written is full, unless it is empty. */
  readonly maxBytes: number;
  /** How many full ones are kept. */
  readonly keep: number;
}

/** What the writer of lines writes to. */
export class LogFile {
  readonly path: string;
  readonly #options: LogFileOptions;
  #file: Deno.FsFile;
  #bytes: number;

  private constructor(path: string, file: Deno.FsFile, options: LogFileOptions) {
    this.path = path;
    this.#options = options;
    this.#file = file;
    this.#bytes = file.statSync().size;
  }

  /** Goes on behind what is there. Throws ConfigError where it cannot be written. */
  static open(path: string, options: LogFileOptions): LogFile {
    try {
      return new LogFile(path, openLog(path), options);
    } catch (cause) {
      const name = `${optionName("logFile")} ${JSON.stringify(path)}`;
      throw new ConfigError(`${name}: ${faultOf(cause)}`, { cause });
    }
  }

  /** Writes all of it; calls wait for one another in who calls (`line_writer.ts`). */
  async write(bytes: Uint8Array): Promise<number> {
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#options.maxBytes) await this.#goOn();
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
    this.#bytes += bytes.length;
    return bytes.length;
  }

  close(): void {
    this.#file.close();
  }

  /** Where a file cannot be renamed, the old one grows on: no line is lost for that. */
  async #goOn(): Promise<void> {
    this.#file.close();
    try {
      await makeWay(this.path, this.#options.keep);
    } catch {
      // The file is opened again as it is.
    }
    this.#file = openLog(this.path);
    this.#bytes = (await this.#file.stat()).size;
  }
}

function faultOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "its folder is not there; make it, or name another one";
  return error instanceof Deno.errors.IsADirectory ? "it is a folder, expected a file" : messageOf(error);
}

/** The paths of a log, the newest first: `keep` full ones behind the one that is written. */
export function logPaths(path: string, keep: number): string[] {
  return [path, ...Array.from({ length: keep }, (_, index) => `${path}.${index + 1}`)];
}

function openLog(path: string): Deno.FsFile {
  return Deno.openSync(path, { create: true, append: true, mode: PRIVATE });
}

async function makeWay(path: string, keep: number): Promise<void> {
  const paths = logPaths(path, keep);
  if (keep === 0) return await Deno.remove(path);
  for (let index = keep; index > 0; index--) await moveIfPresent(paths[index - 1]!, paths[index]!);
}

async function moveIfPresent(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
