/** Knows a server that keeps ending from one that ended once: after too many ends it counts as failed for a while. */
import { BackendError } from "../core/errors.ts";

export interface CrashLimits {
  /** So many ends of servers that had answered nothing, within the window, and the server has failed. */
  readonly limit: number;
  readonly windowMs: number;
  /** A failed server is tried again this often. */
  readonly probeMs: number;
}

/** How a server ended that had answered nothing. */
interface Crash {
  readonly reason: string;
  /** A request was in its hands, which may be what it died of. */
  readonly provoked: boolean;
  readonly livedMs: number;
}

export interface CrashGuardOptions extends CrashLimits {
  /**
   * Many clients depend on the verdict, so an end that one of them may have caused does not count, nor that of a server
   * that lived for so long that no chain of such lives would break the limit.
   */
  readonly fair?: boolean;
  /** Called when the server has failed, with the reason of its last end. */
  readonly onFailed?: (reason: string) => void;
  /** Called when a failed server is of use again. */
  readonly onRecovered?: () => void;
  readonly now?: () => number;
}

/** Says whether a server may be opened, and hears what became of it. */
export type Guard = Pick<CrashGuard, "check" | "admit" | "proved" | "ended">;

/** The same guard, but of no account while `isSpared`: then nothing is refused, and nothing learnt. */
export function sparing(guard: Guard, isSpared: () => boolean): Guard {
  return {
    check: () => isSpared() || guard.check(),
    admit: () => isSpared() || guard.admit(),
    proved: () => isSpared() || guard.proved(),
    ended: (crash) => isSpared() || guard.ended(crash),
  };
}

export class CrashGuard {
  readonly #options: CrashGuardOptions;
  readonly #now: () => number;
  /** When servers ended that had answered nothing, oldest first. */
  #ends: number[] = [];
  #failed: { readonly reason: string; tryAgainAt: number } | undefined;

  constructor(options: CrashGuardOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Why the server counts as failed, or undefined. */
  get failure(): string | undefined {
    return this.#failed?.reason;
  }

  /** Throws BackendError while the server has failed, and it is not yet time to try. */
  check(): void {
    if (!this.#failed) return;
    const leftMs = this.#failed.tryAgainAt - this.#now();
    if (leftMs > 0) throw this.#refusal(this.#failed.reason, leftMs);
  }

  /** As `check`, for who opens the server then: after a failure one is let through as the trial. */
  admit(): void {
    this.check();
    if (this.#failed) this.#failed.tryAgainAt = this.#now() + this.#options.probeMs;
  }

  /** The server answered a client. */
  proved(): void {
    this.#ends = [];
    this.#recover();
  }

  /** The server can be started again; it has to show that it stays, so one more end is one too many. */
  started(): void {
    if (!this.#failed) return;
    this.#ends = Array.from({ length: this.#options.limit - 1 }, () => this.#now());
    this.#recover();
  }

  /** The server ended, and had answered nothing. */
  ended({ reason, provoked, livedMs }: Crash): void {
    const { limit, windowMs, probeMs, fair = false, onFailed } = this.#options;
    if (fair && (provoked || livedMs > windowMs / limit)) return;
    const now = this.#now();
    const tryAgainAt = now + probeMs;
    this.#ends = [...this.#ends.filter((at) => now - at < windowMs), now];
    if (this.#failed) return void (this.#failed = { reason, tryAgainAt });
    if (this.#ends.length < limit) return;
    this.#failed = { reason, tryAgainAt };
    onFailed?.(reason);
  }

  #recover(): void {
    if (!this.#failed) return;
    this.#failed = undefined;
    this.#options.onRecovered?.();
  }

  #refusal(reason: string, leftMs: number): BackendError {
    const seconds = Math.ceil(leftMs / 1000);
    const headers = { "Retry-After": `${seconds}` };
    const text = `${reason}, again and again; it is tried again in ${seconds} s`;
    return new BackendError(text, { permanent: true, headers });
  }
}
