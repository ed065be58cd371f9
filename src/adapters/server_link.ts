/** The connection to a server that may have to be made again: tries, pauses between them, and whom to leave alone. */
import type { Channel, Envelope } from "../core/channel.ts";
import { BackendError, GatewayError } from "../core/errors.ts";
import { pause, pauseBefore, type Retry } from "../core/retry.ts";
import { until } from "../core/waiting.ts";

export interface ServerLinkOptions {
  readonly retry: Retry;
  /** Ends every attempt and every pause. */
  readonly signal: AbortSignal;
  readonly open: () => Promise<Channel>;
  /** Tells a new server what the last one knew. */
  readonly replay: (server: Channel, messages: AsyncIterator<Envelope>) => Promise<void>;
  /** The server is there, and whoever hears this reads its messages. */
  readonly onOpen: (server: Channel, messages: AsyncIterator<Envelope>) => void;
  /** The server did not get so far, and is disposed. */
  readonly onDiscard: (server: Channel) => void;
  readonly tell: (reason: string) => void;
}

export interface ConnectOptions {
  /** False where the client's own handshake is on its way: there is nothing to play again. */
  readonly replays: boolean;
}

export class ServerLink {
  readonly #options: ServerLinkOptions;
  #server: Channel | undefined;
  #connecting: Promise<void> | undefined;
  #since = 0;
  /** How many connections in a row broke before they were of any use. */
  #breaks = 0;

  constructor(options: ServerLinkOptions) {
    this.#options = options;
  }

  /** The server, while there is one. */
  get server(): Channel | undefined {
    return this.#server;
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

  /** The connection broke. */
  broke(server: Channel): void {
    this.drop(server);
    const livedLong = performance.now() - this.#since >= this.#options.retry.maxDelayMs;
    this.#breaks = livedLong ? 1 : this.#breaks + 1;
  }

  /** The connection was of use. */
  proved(): void {
    this.#breaks = 0;
  }

  /** Settles when nothing is being opened any more, and what was open is disposed. */
  async dispose(): Promise<void> {
    await this.#connecting?.catch(() => {});
    await this.#server?.[Symbol.asyncDispose]();
  }

  /** Tries until the attempts are used up; then the error is that of the last one. */
  async #tryToConnect(options: ConnectOptions): Promise<void> {
    const { retry, signal, tell } = this.#options;
    // The first break is mended at once; whoever breaks every connection is left alone for longer and longer.
    let attempt = Math.min(Math.max(0, this.#breaks - 1), retry.attempts);
    if (attempt > 0) await pause(pauseBefore(attempt, retry), signal);
    while (true) {
      try {
        return await this.#openOnce(options);
      } catch (error) {
        const { permanent = false, retryAfterMs = 0 } = error instanceof BackendError ? error : {};
        if (permanent || signal.aborted || ++attempt > retry.attempts) throw error;
        const pauseMs = Math.min(Math.max(pauseBefore(attempt, retry), retryAfterMs), retry.maxDelayMs);
        tell(`${messageOf(error)}; next try in ${Math.round(pauseMs)} ms`);
        await pause(pauseMs, signal);
      }
    }
  }

  async #openOnce({ replays }: ConnectOptions): Promise<void> {
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
    this.#since = performance.now();
    // Now, since its reader may find the connection broken before anybody else learns that it was made.
    this.#connecting = undefined;
    onOpen(server, messages);
  }
}

/** What went wrong, in words for a client. */
export function messageOf(error: unknown): string {
  return error instanceof GatewayError ? error.message : "The MCP server failed";
}
