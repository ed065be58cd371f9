/** Another configuration for a gateway that runs: on request, and when its files change. */
import { dirname } from "node:path";
import type { App, ConfigChanges } from "../app.ts";
import { nameOptions } from "../base/option_name.ts";
import type { Config, ConfigPatch } from "../config/mod.ts";
import { ConfigError } from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import { Versioned } from "../overrides/versioned.ts";
import { type FileState, stateOf } from "./file_state.ts";

/** A configuration as it is read anew. */
export interface Loaded {
  readonly config: Config;
  readonly warnings: readonly string[];
  readonly nameOf: (key: string) => string;
  /** The whole paths of the files that it is made of. */
  readonly files: readonly string[];
  /** It is the one that counts from now on. */
  readonly counts: () => void;
}

/** What came of it. */
export type Reloaded =
  | { readonly kind: "applied" } & ConfigChanges
  /** Nothing has changed: why, one line each. */
  | { readonly kind: "refused"; readonly problems: readonly string[] };

interface ReloadOptions {
  /** With a change of what is set while it is served. Throws ConfigError with all that is wrong. */
  readonly load: (change?: ConfigPatch) => Promise<Loaded>;
  readonly emit: Sink;
}

/** Editors write in several steps. */
const SETTLED_MS = 100;

export class Reloader implements Disposable {
  readonly #app: Pick<App, "apply">;
  readonly #options: ReloadOptions;
  #files: readonly string[];
  /** What the last configuration was made of. */
  #states: readonly FileState[];
  #running: Promise<unknown> = Promise.resolve();
  /** Of the configuration that counts. */
  readonly #version = new Versioned(undefined);
  #watched: { readonly watcher: Deno.FsWatcher; readonly folders: readonly string[] } | undefined;

  constructor(app: Pick<App, "apply">, files: readonly string[], options: ReloadOptions) {
    this.#app = app;
    this.#options = options;
    this.#files = files;
    this.#states = files.map(stateOf);
  }

  /** One after the other. Never rejects for a configuration that is wrong: it changes nothing, and says why. */
  reload(): Promise<Reloaded> {
    return this.#inTurn(() => this.#reload());
  }

  /** As `reload`, with a change of what is set while it is served. Rejects with ConflictError where `ifMatch` is not the version of now. */
  change(change: ConfigPatch, ifMatch?: string): Promise<Reloaded> {
    return this.#inTurn(() => {
      this.#version.require(ifMatch);
      return this.#reload(change);
    });
  }

  get etag(): string {
    return this.#version.read().etag;
  }

  /** As `reload`, for who does not wait for it. */
  request(): void {
    background(this.reload(), "another configuration", this.#options.emit);
  }

  /** Reloads whenever a file is another one: the folders are watched, since editors put a new file in the place of the old. */
  watch(): void {
    background(this.#watch(), "watch of the configuration", this.#options.emit);
  }

  /** Watches no more. */
  [Symbol.dispose](): void {
    this.#watched?.watcher.close();
    this.#watched = undefined;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const acting = this.#running.then(act);
    this.#running = acting.catch(() => {});
    return acting;
  }

  async #reload(change?: ConfigPatch): Promise<Reloaded> {
    this.#states = this.#files.map(stateOf);
    try {
      const { config, warnings, nameOf, files, counts } = await this.#options.load(change);
      const changes = this.#app.apply(config);
      nameOptions(nameOf);
      counts();
      this.#version.write(undefined);
      for (const text of warnings) this.#options.emit({ type: "warning", text });
      this.#files = files;
      this.#states = files.map(stateOf);
      this.#follow();
      return { kind: "applied", ...changes };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const problems = error.message.split("\n");
      this.#options.emit({ type: "config.refused", problems });
      return { kind: "refused", problems };
    }
  }

  /** The files may be in other folders than before. */
  #follow(): void {
    if (!this.#watched || isSame(this.#watched.folders, foldersOf(this.#files))) return;
    this.#watched.watcher.close();
    this.watch();
  }

  async #watch(): Promise<void> {
    const folders = foldersOf(this.#files);
    const watcher = Deno.watchFs(folders, { recursive: false });
    this.#watched = { watcher, folders };
    // They may have changed before somebody looked there.
    this.#look();
    let settling: ReturnType<typeof setTimeout> | undefined;
    for await (const _ of watcher) {
      clearTimeout(settling);
      settling = setTimeout(() => this.#look(), SETTLED_MS);
    }
    clearTimeout(settling);
  }

  /** Whatever happened beside them says nothing. */
  #look(): void {
    const now = this.#files.map(stateOf);
    if (now.some((state, index) => state !== this.#states[index])) this.request();
  }
}

/** Where the files are, and where what they link to is. */
function foldersOf(files: readonly string[]): string[] {
  return [...new Set(files.flatMap((file) => [file, ...linkedBy(file)]).map(dirname))];
}

function linkedBy(file: string): string[] {
  try {
    return [Deno.realPathSync(file)];
  } catch {
    // It is not there now; its folder says when it is.
    return [];
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}
