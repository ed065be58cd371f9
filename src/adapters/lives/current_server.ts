/** The server of the moment, and the request for one while there is none. */
import type { Channel } from "../../core/channel.ts";
import { DisconnectedError } from "../../core/errors.ts";
import type { Life } from "./life.ts";

export interface ConnectOptions {
  /** False where the client's own handshake is on its way: there is nothing to play again. */
  readonly replays: boolean;
  /** It is wanted also while nobody asks for anything. False by default. */
  readonly unasked?: boolean;
}

/** A server is wanted and not there yet: one request for all who want it. */
export interface ConnectRequest {
  readonly replays: boolean;
  unasked: boolean;
  /** Settles when there is one, or with why there is none. */
  readonly settled: PromiseWithResolvers<void>;
}

export class CurrentServer {
  #life: Life | undefined;
  #left: Promise<void> | undefined;
  #leave: (() => void) | undefined;
  #pending: ConnectRequest | undefined;
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
    return this.requestConnect(options).settled.promise;
  }

  /** As `connect`, for who does not wait. Several who want one at a time share one request. */
  requestConnect({ replays, unasked = false }: ConnectOptions): ConnectRequest {
    const request = this.#pending ??= newRequest(replays);
    if (unasked) request.unasked = true;
    this.#wake?.();
    return request;
  }

  /** The request for a server that is not there yet. */
  get pending(): ConnectRequest | undefined {
    return this.#pending;
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

  // --- for the loop that opens servers ---

  /** Settles with a request as soon as there is one; with none when there will be no other. */
  async nextRequest(): Promise<ConnectRequest | undefined> {
    if (!this.#pending && !this.#stopped) await new Promise<void>((resolve) => this.#wake = resolve);
    this.#wake = undefined;
    if (this.#stopped) this.refuse(gone());
    return this.#pending;
  }

  fulfil(life: Life): void {
    this.#life = life;
    this.#left = new Promise((resolve) => this.#leave = resolve);
    this.#pending?.settled.resolve();
    this.#pending = undefined;
  }

  refuse(error: unknown): void {
    this.#pending?.settled.reject(error);
    this.#pending = undefined;
  }

  /** Settles when the server is of no use any more. */
  get left(): Promise<void> {
    return this.#left ?? Promise.resolve();
  }

  /** Nobody wants a server any more. Settles when none is being opened. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const opening = this.#pending?.settled.promise.catch(() => {});
    this.#wake?.();
    await opening;
  }
}

function newRequest(replays: boolean): ConnectRequest {
  const settled = Promise.withResolvers<void>();
  // Not everybody who wants a server waits for it.
  settled.promise.catch(() => {});
  return { replays, settled, unasked: false };
}

/** What nothing can be said to any more. */
export function gone(): DisconnectedError {
  return new DisconnectedError("The connection to the MCP server is closed");
}
