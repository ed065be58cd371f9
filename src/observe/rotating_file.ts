/** A file of its owner alone that is written at its end, and goes on in a new one when it is full: `log`, and before it `log.1`, … */

const PRIVATE = 0o600;

export interface RotationLimits {
  /** A file that would pass it with what is written is full, unless it is empty. */
  readonly maxBytes: number;
  /** How many full ones are kept. */
  readonly keep: number;
}

export class RotatingFile {
  readonly path: string;
  readonly #limits: RotationLimits;
  /** Undefined while none can be had. */
  #file: Deno.FsFile | undefined;
  #bytes = 0;
  #inode: number | null = null;
  /** A device has no end, and is not to be renamed. */
  #isFile = true;

  private constructor(path: string, limits: RotationLimits) {
    this.path = path;
    this.#limits = limits;
    this.#open();
  }

  /** Goes on behind what is there. Throws what the system says where it cannot be written. */
  static open(path: string, limits: RotationLimits): RotatingFile {
    return new RotatingFile(path, limits);
  }

  /** So many bytes shall stand in one file: where they do not fit, the next write begins a new one. */
  async makeRoom(bytes: number): Promise<void> {
    if (!this.#isFile || this.#bytes === 0 || this.#bytes + bytes <= this.#limits.maxBytes) return;
    this.close();
    try {
      await makeWay(this.path, this.#limits.keep);
    } catch {
      // It cannot be renamed, and grows on: no line is lost for that.
    }
    this.#open();
  }

  /** Has somebody moved or removed it, goes on in a new one, and says so. */
  async follow(): Promise<boolean> {
    if (!this.#isFile || Deno.build.os === "windows") return false;
    const inode = await inodeOf(this.path);
    if (this.#file && inode === this.#inode) return false;
    const wasThere = this.#file !== undefined;
    this.close();
    this.#open();
    return wasThere;
  }

  /** Writes some of it, and says how many bytes. */
  async write(bytes: Uint8Array): Promise<number> {
    const count = await (this.#file ?? this.#open()).write(bytes);
    this.#bytes += count;
    return count;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(): Deno.FsFile {
    const file = Deno.openSync(this.path, { create: true, append: true, mode: PRIVATE });
    const { size, ino, isFile } = file.statSync();
    this.#file = file;
    this.#bytes = size;
    this.#inode = ino;
    this.#isFile = isFile;
    return file;
  }
}

/** The paths of a log, the newest first: `keep` full ones behind the one that is written. */
export function logPaths(path: string, keep: number): string[] {
  return [path, ...Array.from({ length: keep }, (_, index) => `${path}.${index + 1}`)];
}

/** In words for who has named the file. */
export function fileFault(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "its folder is not there; make it, or name another one";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder, expected a file";
  return error instanceof Error ? error.message : String(error);
}

async function inodeOf(path: string): Promise<number | null | undefined> {
  try {
    return (await Deno.stat(path)).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
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
