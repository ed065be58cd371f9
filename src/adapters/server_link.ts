/** The connection to a server that may have to be made again: tries, pauses between them, and whom to leave alone. */
import type { Channel, Envelope } from "../core/channel.ts";
import { BackendError, GatewayError, LimitError, TimeoutError } from "../core/errors.ts";
import { pause, pauseBefore, type Retry } from "../base/retry.ts";
import { until } from "../base/waiting.ts";
import type { CrashGuard } from "./crash_guard.ts";

export interface ServerLinkOptions {
  readonly retry: Retry;
  /** Tries for the client's own handshake; those of `retry` by default. */
  readonly firstAttempts?: number | undefined;
  /** Say whether a server may be opened, and hear what became of it. */
  readonly guards: readonly CrashGuard[];
  /** Ends every attempt and every pause. */
  readonly signal: AbortSignal;
  /** As `signal`, and leaves the server alone that is there. */
  readonly stopping?: AbortSignal | undefined;
  readonly open: () => Promise<Channel>;
  /** Tells a new server what the last one knew. */
  readonly replay: (server: Channel, messages: AsyncIterator<Envelope>) => Promise<void>;
  /** The server is there, and whoever hears this reads its messages. */
  readonly onOpen: (server: Channel, messages: AsyncIterator<Envelope>) => void;
  /** The server did not get so far, and is disposed. */
  readonly onDiscard: (server: Channel) => void;
  /** A new server was told what the last one knew. */
  readonly onRestored: () => void;
  readonly tell: (reason: string, more: { readonly cause: unknown; readonly pauseMs: number }) => void;
  /** It was tried so often, and is not tried again before somebody asks for it. */
  readonly onGivenUp: (error: unknown, tries: number) => void;
}

/** Why a server ended that was not told to. */
export interface Break {
  readonly reason: unknown;
  /** Whether a client's request was in its hands. */
  readonly provoked: boolean;
}

export interface ConnectOptions {
  /** False where the client's own handshake is on its way: there is nothing to play again. */
  readonly replays: boolean;
}

/** One server, from its opening to its end. */
interface Life {
  readonly server: Channel | undefined;
  readonly since: number;
  /** Has it answered a client's request? */
  answered: boolean;
}

export class ServerLink {
  readonly #options: ServerLinkOptions;
  #server: Channel | undefined;
  #connecting: Promise<void> | undefined;
  #life: Life = { server: undefined, since: 0, answered: false };
  #freed: Promise<void> = Promise.resolve();
  /** How many connections in a row broke before they were of any use. */
  #breaks = 0;
  /** Of the last break. */
  #why: unknown;

  constructor(options: ServerLinkOptions) {
    this.#options = options;
  }

  /** The server, while there is one. */
  get server(): Channel | undefined {
    return this.#server;
  }

  /** Settles when the last server that broke is gone with everything it held. */
  get freed(): Promise<void> {
    return this.#freed;
  }

  /** Every connection breaks: the next one is for somebody who asks for it. */
  get exhausted(): boolean {
    return this.#breaks > this.#options.retry.attempts + 1;
  }

  /** Settles when there is a server. Throws what the last attempt threw. */
  connect(options: ConnectOptions): Promise<void> {
    if (this.#connecting) return this.#connecting;
    const connecting = this.#connecting = this.#tryToConnect(options).finally(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    });
    return connecting;
  }

  /** This server is of no use any more, to whoever comes next. */
  drop(server: Channel): void {
    if (this.#server === server) this.#server = undefined;
  }

  /** The server is at its end, and is freed; without a reason all is well. */
  broke(server: Channel, end?: Break): void {
    this.drop(server);
    this.#freed = server[Symbol.asyncDispose]();
    // Of one whose successor is there already there is nothing more to learn.
    if (this.#life.server !== server) return;
    const livedLong = performance.now() - this.#life.since >= this.#options.retry.maxDelayMs;
    this.#breaks = livedLong ? 1 : this.#breaks + 1;
    this.#why = end?.reason;
    if (end) this.#ended(end);
  }

  /** The server answered a client's request. */
  answered(): void {
    if (this.#life.answered) return;
    this.#life.answered = true;
    this.#breaks = 0;
    for (const guard of this.#options.guards) guard.proved();
  }

  /** Settles when nothing is being opened any more, and what was open is disposed. */
  async dispose(): Promise<void> {
    await this.#connecting?.catch(() => {});
    await this.#server?.[Symbol.asyncDispose]();
    await this.#freed;
  }

  #ended({ reason, provoked }: Break): void {
    const { signal, guards } = this.#options;
    if (this.#life.answered || reason instanceof LimitError || signal.aborted) return;
    const livedMs = performance.now() - this.#life.since;
    for (const guard of guards) guard.ended({ reason: messageOf(reason), provoked, livedMs });
  }

  /** Tries until the attempts are used up; then the error is that of the last one. */
  async #tryToConnect(options: ConnectOptions): Promise<void> {
    const { retry, tell, guards, onGivenUp, firstAttempts = retry.attempts } = this.#options;
    const signal = this.#attempting();
    signal.throwIfAborted();
    const attempts = options.replays ? retry.attempts : firstAttempts;
    // The first break is mended at once; whoever breaks every connection is left alone for longer and longer.
    let attempt = Math.min(Math.max(0, this.#breaks - 1), retry.attempts);
    // Who will be refused need not wait for that.
    for (const guard of guards) guard.check();
    if (attempt > 0) {
      const pauseMs = pauseBefore(attempt, retry);
      tell(`next try in ${Math.round(pauseMs)} ms`, { cause: this.#why, pauseMs });
      await pause(pauseMs, signal);
    }
    for (let tries = 1;; tries++) {
      try {
        return await this.#openOnce(options);
      } catch (error) {
        const { permanent = false, retryAfterMs = 0 } = error instanceof BackendError ? error : {};
        // Whoever found no room has waited for it already, and who kept silent had all the time there is.
        const waited = error instanceof LimitError || error instanceof TimeoutError;
        const final = permanent || waited || signal.aborted;
        if (final || ++attempt > attempts) {
          if (!signal.aborted) onGivenUp(error, tries);
          throw error;
        }
        for (const guard of guards) guard.check();
        const pauseMs = Math.min(Math.max(pauseBefore(attempt, retry), retryAfterMs), retry.maxDelayMs);
        tell(`${messageOf(error)}; next try in ${Math.round(pauseMs)} ms`, { cause: error, pauseMs });
        await pause(pauseMs, signal);
      }
    }
  }

  #attempting(): AbortSignal {
    const { signal, stopping } = this.#options;
    return stopping ? AbortSignal.any([signal, stopping]) : signal;
  }

  async #openOnce(options: ConnectOptions): Promise<void> {
    // What the last one held may be what the next one needs: a lock, a port, its place among the children.
    await this.#freed;
    for (const guard of this.#options.guards) guard.admit();
    this.#life = { server: undefined, since: performance.now(), answered: false };
    try {
      await this.#openAndReplay(options);
    } catch (reason) {
      this.#ended({ reason, provoked: false });
      throw reason;
    }
  }

  async #openAndReplay({ replays }: ConnectOptions): Promise<void> {
    const { open, replay, onOpen, onDiscard, signal } = this.#options;
    const server = await open();
    const messages = server.incoming[Symbol.asyncIterator]();
    try {
      signal.throwIfAborted();
      if (replays) await until(signal, replay(server, messages));
    } catch (error) {
      onDiscard(server);
      await server[Symbol.asyncDispose]();
      throw error;
    }
    this.#server = server;
    this.#life = { ...this.#life, server };
    // Now, since its reader may find the connection broken before anybody else learns that it was made.
    this.#connecting = undefined;
    onOpen(server, messages);
    if (replays) this.#options.onRestored();
  }
}

/** What went wrong, in words for a client. */
export function messageOf(error: unknown): string {
  return error instanceof GatewayError ? error.message : "The MCP server failed";
}
