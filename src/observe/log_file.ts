/** A log file: lines of text at the end of a file that goes on in a new one when it is full. */
import { optionName } from "../base/option_name.ts";
import { ConfigError } from "../core/errors.ts";
import { fileFault, RotatingFile, type RotationLimits } from "./rotating_file.ts";

/** What the writer of lines writes to. */
export class LogFile {
  readonly #file: RotatingFile;

  private constructor(file: RotatingFile) {
    this.#file = file;
  }

  /** Goes on behind what is there. Throws ConfigError where it cannot be written. */
  static open(path: string, limits: RotationLimits): LogFile {
    try {
      return new LogFile(RotatingFile.open(path, limits));
    } catch (cause) {
      const name = `${optionName("logFile")} ${JSON.stringify(path)}`;
      throw new ConfigError(`${name}: ${fileFault(cause)}`, { cause });
    }
  }

  /** Writes all of it; calls wait for one another in who calls (`line_writer.ts`). */
  async write(bytes: Uint8Array): Promise<number> {
    await this.#file.makeRoom(bytes.length);
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
    return bytes.length;
  }

  close(): void {
    this.#file.close();
  }
}
