/** The server of the moment, and the wish for one while there is none. */
import type { Channel } from "../../core/channel.ts";
import { DisconnectedError } from "../../core/errors.ts";
import type { Life } from "./life.ts";

export interface ConnectOptions {
  /** False where the client's own handshake is on its way: there is nothing to play again. */
  readonly replays: boolean;
  /** It is wanted also while nobody asks for anything. False by default. */
  readonly unasked?: boolean;
}

/** Somebody wants a server. */
export interface Wish {
  readonly replays: boolean;
  unasked: boolean;
  /** Settles when there is one, or with why there is none. */
  readonly granted: PromiseWithResolvers<void>;
}

export class CurrentServer {
  #life: Life | undefined;
  #left: Promise<void> | undefined;
  #leave: (() => void) | undefined;
  #wish: Wish | undefined;
  #wake: (() => void) | undefined;
  #closed = false;
  #stopped = false;

  /** The server, while there is one. */
  get server(): Channel | undefined {
    return this.#life?.server;
  }

  get life(): Life | undefined {
    return this.#life;
  }

  /** The client has said that it sends no more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Settles when there is a server. Throws what the last attempt to open one threw. */
  connect(options: ConnectOptions): Promise<void> {
    return this.want(options).granted.promise;
  }

  /** As `connect`, for who does not wait. Several who want one at a time have one wish. */
  want({ replays, unasked = false }: ConnectOptions): Wish {
    const wish = this.#wish ??= newWish(replays);
    if (unasked) wish.unasked = true;
    this.#wake?.();
    return wish;
  }

  /** That for a server which is not there yet. */
  get wish(): Wish | undefined {
    return this.#wish;
  }

  /** This server is of no use any more, to whoever comes next. */
  drop(server: Channel): void {
    if (this.#life?.server !== server) return;
    this.#life = undefined;
    this.#leave?.();
  }

  async close(reason: Error | undefined): Promise<void> {
    this.#closed = true;
    await this.server?.close(reason);
  }

  // --- for who fulfils the wishes ---

  /** Settles with a wish as soon as there is one; with none when there will be no other. */
  async wished(): Promise<Wish | undefined> {
    if (!this.#wish && !this.#stopped) await new Promise<void>((resolve) => this.#wake = resolve);
    this.#wake = undefined;
    if (this.#stopped) this.refuse(gone());
    return this.#wish;
  }

  grant(life: Life): void {
    this.#life = life;
    this.#left = new Promise((resolve) => this.#leave = resolve);
    this.#wish?.granted.resolve();
    this.#wish = undefined;
  }

  refuse(error: unknown): void {
    this.#wish?.granted.reject(error);
    this.#wish = undefined;
  }

  /** Settles when the server is of no use any more. */
  get left(): Promise<void> {
    return this.#left ?? Promise.resolve();
  }

  /** Nobody wants a server any more. Settles when none is being opened. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const opening = this.#wish?.granted.promise.catch(() => {});
    this.#wake?.();
    await opening;
  }
}

function newWish(replays: boolean): Wish {
  const granted = Promise.withResolvers<void>();
  // Not everybody who wants a server waits for it.
  granted.promise.catch(() => {});
  return { replays, granted, unasked: false };
}

/** What nothing can be said to any more. */
export function gone(): DisconnectedError {
  return new DisconnectedError("The connection to the MCP server is closed");
}
