/** When each API key was used last, in a file beside theirs: several gateways may share it. */
import * as z from "zod";
import { realPathOf, writePrivately } from "../../files/private_file.ts";
import { readSmallFile } from "../../files/small_file.ts";
import { locked } from "../record_file.ts";

/** Written down so often at most: it is for people who look for keys that nobody uses any more. */
const WRITE_MS = 60_000;
/** It is only told: no gateway that ends waits for longer. */
const LOCK_WAIT_MS = 1_000;

const schema = z.record(z.string(), z.iso.datetime());

export type Usage = Readonly<Record<string, string>>;

function usagePath(keyPath: string): string {
  return `${realPathOf(keyPath)}.used`;
}

/** By the id of the key; nothing where nothing can be read. */
export function readUsage(keyPath: string): Usage {
  const read = readSmallFile(usagePath(keyPath));
  if ("fault" in read) return {};
  try {
    return schema.safeParse(JSON.parse(read.text)).data ?? {};
  } catch {
    return {}; // it is rewritten as a whole with the next use
  }
}

export class KeyUsage implements AsyncDisposable {
  readonly #keyPath: string;
  readonly #onTrouble: (error: unknown) => void;
  readonly #used = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(keyPath: string, onTrouble: (error: unknown) => void) {
    this.#keyPath = keyPath;
    this.#onTrouble = onTrouble;
  }

  readonly note = (id: string): void => {
    this.#used.set(id, Date.now());
    this.#timer ??= setTimeout(() => this.#write(), WRITE_MS);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== undefined) this.#write();
    await this.#written;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const used = [...this.#used].map(([id, ms]) => [id, new Date(ms).toISOString()] as const);
    this.#used.clear();
    this.#written = this.#written.then(() => merge(this.#keyPath, Object.fromEntries(used))).catch(
      this.#onTrouble,
    );
  }
}

function merge(keyPath: string, used: Usage): Promise<void> {
  return locked(keyPath, async (real) => {
    const merged = new Map(Object.entries(readUsage(real)));
    for (const [id, at] of Object.entries(used)) if (at > (merged.get(id) ?? "")) merged.set(id, at);
    await writePrivately(usagePath(real), `${JSON.stringify(Object.fromEntries(merged), undefined, 2)}\n`);
  }, LOCK_WAIT_MS);
}
