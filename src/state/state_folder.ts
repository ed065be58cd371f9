/** The folder with one record for each gateway of a name, and who may write it. */
import { join, resolve } from "node:path";
import { optionName } from "../base/option_name.ts";
import { ConfigError, messageOf } from "../core/errors.ts";
import { defaultStateFolder } from "./folder_path.ts";
import { brokenRecord, type GatewayRecord, MAX_RECORD_BYTES, parseRecord } from "./gateway_record.ts";
import { PRIVATE, readBounded, removeIfPresent, writePrivately } from "../files/private_file.ts";

const OWNERS_ALONE = 0o700;
/** Who may write in a folder may put other files in the place of ours. */
const WRITABLE_BY_OTHERS = 0o022;

/** Names begin files, so they have no character that means something there. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Throws ConfigError for what is no name of a gateway. */
export function checkName(name: string): string {
  if (NAME.test(name)) return name;
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
  throw new ConfigError(
    `--name ${shown}: expected letters, digits, -, _ and ., a letter or digit first, 64 at most`,
  );
}

/** A process that has the lock of a name. */
export interface Holder {
  /** Of the lock. */
  readonly path: string;
  /** Undefined where it cannot be told. */
  readonly pid?: number;
}

/** How long to wait for a lock that nobody means to keep, and how often it is tried: no event tells that it is free. */
const [LOCKED_MS, LOCK_POLL_MS] = [1_000, 50];

export class StateFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes it where it is missing. Throws ConfigError for one that cannot be had, or that others may write in. */
  static async open(given?: string): Promise<StateFolder> {
    const chosen = given ?? Deno.env.get("KEYSTONE_STATE_DIR");
    const path = chosen ? resolve(chosen) : defaultStateFolder(Deno.build.os, (name) => Deno.env.get(name));
    try {
      await Deno.mkdir(path, { recursive: true, mode: OWNERS_ALONE });
    } catch (cause) {
      throw new ConfigError(`${optionName("stateDir")} ${JSON.stringify(path)}: ${messageOf(cause)}`, {
        cause,
      });
    }
    const { mode } = await Deno.stat(path);
    if (mode !== null && (mode & WRITABLE_BY_OTHERS) !== 0) {
      const name = `${optionName("stateDir")} ${JSON.stringify(path)}`;
      throw new ConfigError(
        `${name}: others may write there, and it is for tokens; chmod 700 it, or take another`,
      );
    }
    return new StateFolder(path);
  }

  fileOf(name: string, kind: "json" | "lock" | "log" | "token"): string {
    return join(this.path, `${name}.${kind}`);
  }

  /** Undefined where none is left. Throws GatewayError for one that is broken. */
  async read(name: string): Promise<GatewayRecord | undefined> {
    const path = this.fileOf(name, "json");
    const text = await readBounded(path, MAX_RECORD_BYTES).catch((error) => {
      throw error instanceof RangeError ? brokenRecord(path, error.message) : error;
    });
    return text === undefined ? undefined : parseRecord(text, path);
  }

  /** For who holds the lock. */
  async write(record: GatewayRecord): Promise<void> {
    await writePrivately(this.fileOf(record.name, "json"), `${JSON.stringify(record, undefined, 2)}\n`);
  }

  /** For who holds the lock. */
  async remove(name: string): Promise<void> {
    await removeIfPresent(this.fileOf(name, "json"));
  }

  /** Undefined while another process has it; the system gives it back when its holder ends, however that ends. */
  async lock(name: string): Promise<Disposable | undefined> {
    const file = await this.#tryLock(name);
    // For people alone: whoever holds the lock is who it says, and nobody else is told apart by it.
    await file?.truncate();
    await file?.write(new TextEncoder().encode(`${Deno.pid}\n`));
    return file && { [Symbol.dispose]: () => file.close() };
  }

  /** Who holds the lock; undefined where nobody does. */
  async holder(name: string): Promise<Holder | undefined> {
    const path = this.fileOf(name, "lock");
    const file = await Deno.open(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    // Shared: others who ask at the same time are no holders.
    const isFree = await file?.tryLock(false) ?? true;
    file?.close();
    if (isFree) return undefined;
    // Windows lets nobody read what is locked.
    const [, pid] = /^(\d{1,10})\n$/.exec(await readBounded(path, 100).catch(() => "") ?? "") ?? [];
    return { path, ...pid !== undefined && { pid: Number(pid) } };
  }

  /** Leaves a record as a gateway would that ended without a word; false where there is another one. */
  async leave(record: GatewayRecord): Promise<boolean> {
    return await this.#locked(record.name, async () => {
      const isFree = await this.read(record.name) === undefined;
      if (isFree) await this.write(record);
      return isFree;
    }) ?? false;
  }

  /** Removes what a gateway has left that ended without a word; not that of one which starts meanwhile. */
  async clear(name: string): Promise<void> {
    if ((await this.names()).includes(name)) await this.#locked(name, () => this.remove(name));
  }

  /** Does nothing where a gateway has the lock. Who only asks, and who has just ended, has it for a moment. */
  async #locked<T>(name: string, act: () => Promise<T>): Promise<T | undefined> {
    const deadline = performance.now() + LOCKED_MS;
    let file = await this.#tryLock(name);
    while (!file && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
      file = await this.#tryLock(name);
    }
    if (!file) return undefined;
    // Not `using`: the bundle's minifier takes that for a value which is read once, and forgets to dispose of it.
    try {
      return await act();
    } finally {
      file.close();
    }
  }

  async #tryLock(name: string): Promise<Deno.FsFile | undefined> {
    const file = await Deno.open(this.fileOf(name, "lock"), { create: true, write: true, mode: PRIVATE });
    if (await file.tryLock(true)) return file;
    file.close();
    return undefined;
  }

  /** Of all records. */
  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(this.path)) {
      if (name.endsWith(".json")) names.push(name.slice(0, -".json".length));
    }
    return names.sort();
  }
}
