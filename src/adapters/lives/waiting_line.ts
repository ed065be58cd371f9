/** What waits for a server that is being opened: it is handed over in its order, and before what comes later. */
import type { ConnectOptions } from "./current_server.ts";

/** A message that waits for the server. */
export interface WaitingMessage extends ConnectOptions {
  /** The server is there. */
  readonly go: () => Promise<void> | void;
  /** None is to be had. */
  readonly fail: (error: unknown) => void;
}

interface WaitingLineOptions {
  /** Settles when there is a server. Throws what the last attempt threw. */
  readonly connect: (options: ConnectOptions) => Promise<void>;
  readonly connected: () => boolean;
}

export class WaitingLine {
  readonly #options: WaitingLineOptions;
  readonly #waiting: WaitingMessage[] = [];
  #serving = false;
  #going: Promise<void> | undefined;

  constructor(options: WaitingLineOptions) {
    this.#options = options;
  }

  /** Whether somebody is ahead of what comes now. */
  get busy(): boolean {
    return this.#going !== undefined || this.#waiting.length > 0;
  }

  /** Connects where that has to be; nobody need wait for it. */
  async add(message: WaitingMessage): Promise<void> {
    this.#waiting.push(message);
    if (this.#serving) return;
    this.#serving = true;
    try {
      // More than once where the server breaks meanwhile.
      for (let first = this.#waiting[0]; first; first = this.#waiting[0]) await this.#serve(first);
    } finally {
      this.#serving = false;
    }
  }

  /** To be called as soon as there is a server: nobody else is to be quicker. */
  go(): Promise<void> {
    return this.#going ??= this.#handOver().finally(() => this.#going = undefined);
  }

  async #serve(first: WaitingMessage): Promise<void> {
    try {
      if (!this.#options.connected()) await this.#options.connect(first);
    } catch (error) {
      for (const { fail } of this.#waiting.splice(0)) fail(error);
    }
    await this.go();
  }

  async #handOver(): Promise<void> {
    while (this.#options.connected()) {
      const waiter = this.#waiting.shift();
      if (!waiter) return;
      const taken = waiter.go();
      if (taken) await taken;
    }
  }
}
