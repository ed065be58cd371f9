/** Servers that are started ahead, so that whoever comes finds one ready. */
import { AS_CONFIGURED, type Backend } from "../core/backend.ts";
import type { Channel } from "../core/channel.ts";
import { BusyError, serverFailure, StoppingError } from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import { pause, pauseBefore, type Retry } from "../base/retry.ts";
import type { CrashGuard } from "../adapters/crash_guard.ts";
import type { Leases } from "./lease.ts";
import { openIn } from "./leased.ts";
import { WarmServer } from "./warm_server.ts";

export interface WarmPoolOptions {
  /** How many servers are ready or being opened. */
  readonly count: number;
  /** Opens those, each in a place that nobody else wants. */
  readonly backend: Backend;
  readonly leases: Leases;
  readonly ahead?: StartedAhead | undefined;
  /** Pauses after a server that ended while it waited, or could not be opened. */
  readonly retry: Pick<Retry, "firstDelayMs" | "maxDelayMs">;
  readonly guard: CrashGuard;
  readonly emit: Sink;
}

/** Who has to know of servers that are started ahead. */
export interface StartedAhead {
  /** Whether something is set for this session alone. */
  isOverridden(session: string): boolean;
  /** The server of this name has its session. */
  assigned(ahead: string, session: string): void;
}

/** Names them in events, with their number. */
const WARM = "warm-";
export const FIRST_WARM = `${WARM}1`;

export class WarmPool implements AsyncDisposable {
  readonly #options: WarmPoolOptions;
  readonly #abort = new AbortController();
  /** Oldest first. */
  readonly #ready = new Set<WarmServer>();
  readonly #busy = new Set<Promise<void>>();
  readonly #first = Promise.withResolvers<void>();
  #opening = 0;
  #opened = 0;
  /** How often in a row it went wrong. */
  #failures = 0;
  /** How often all of them were replaced. */
  #renewals = 0;

  constructor(options: WarmPoolOptions) {
    this.#options = options;
    // Nobody need await `first`: its rejection is handled here.
    this.#first.promise.catch(() => {});
    this.#refill();
  }

  /** Settles when the very first server is ready; rejects with why it is not. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  /** A server that is ready, for this session; undefined when there is none. */
  take(session: string): Channel | undefined {
    const [ready] = this.#ready;
    if (!ready) return undefined;
    this.#ready.delete(ready);
    this.#failures = 0;
    const { label } = ready;
    const channel = ready.handTo(session);
    this.#options.ahead?.assigned(label, session);
    this.#options.emit({ type: "child.assigned", session, warm: label });
    this.#refill();
    return channel;
  }

  /** Stops a server that waits, for somebody who needs its place; false when there is none. */
  giveUpOne(): boolean {
    const [ready] = this.#ready;
    if (!ready) return false;
    this.#ready.delete(ready);
    this.#run(ready.stop().then(() => this.#refill()));
    return true;
  }

  /** What is ready is stopped and started anew, and so is what is being opened once it is there. */
  renew(): void {
    this.#renewals++;
    for (const ready of this.#ready) {
      this.#ready.delete(ready);
      this.#run(ready.stop().then(() => this.#refill()));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new StoppingError());
    await Promise.all([...[...this.#ready].map((ready) => ready.stop()), ...this.#busy]);
  }

  #refill(): void {
    while (!this.#abort.signal.aborted && this.#ready.size + this.#opening < this.#options.count) {
      this.#opening++;
      this.#run(this.#openOne());
    }
  }

  #run(work: Promise<void>): void {
    this.#busy.add(work);
    background(work.finally(() => this.#busy.delete(work)), "warm servers", this.#options.emit);
  }

  async #openOne(): Promise<void> {
    try {
      await this.#pause();
      await this.#add(`${WARM}${++this.#opened}`);
      this.#first.resolve();
    } catch (error) {
      // The reason was reported where it failed; here it makes the pause longer.
      this.#failures++;
      this.#first.reject(error);
    }
    this.#opening--;
    this.#refill();
  }

  async #pause(): Promise<void> {
    const { signal } = this.#abort;
    // Attempts have no end here: the pauses grow to their longest, and stay there.
    const retry = { attempts: Infinity, ...this.#options.retry };
    if (this.#failures > 0) await pause(pauseBefore(this.#failures, retry), signal);
  }

  async #add(label: string): Promise<void> {
    const { guard, emit } = this.#options;
    guard.admit();
    const renewals = this.#renewals;
    const ready = await this.#openWarm(label);
    if (this.#abort.signal.aborted || this.#renewals !== renewals) return await ready.stop();
    this.#ready.add(ready);
    // Not awaited by our dispose: the server may belong to a session by then.
    background(this.#watch(ready), "warm servers", emit);
  }

  async #openWarm(label: string): Promise<WarmServer> {
    const { backend, leases, guard } = this.#options;
    const { signal } = this.#abort;
    try {
      const lease = await leases.acquire({ owner: label, waits: false, signal });
      const launch = { ...AS_CONFIGURED, session: label };
      return new WarmServer(await openIn(lease, () => backend.open(launch, signal)), lease);
    } catch (error) {
      if (!(error instanceof BusyError)) {
        guard.ended({ reason: serverFailure(error), provoked: false, livedMs: 0 });
      }
      throw error;
    }
  }

  /** Replaces a server that ends while it waits. */
  async #watch(ready: WarmServer): Promise<void> {
    const reason = await ready.readAhead();
    if (reason === undefined || !this.#ready.delete(ready)) return;
    await ready.stop();
    if (this.#abort.signal.aborted) return;
    this.#options.guard.ended({ reason, provoked: false, livedMs: ready.livedMs });
    this.#failures++;
    this.#refill();
  }
}
