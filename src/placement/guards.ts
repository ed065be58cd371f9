/** Who gives a server up that keeps ending: one guard for all starts, and one more for each server that goes on. */
import { CrashGuard, type CrashLimits } from "../adapters/crash_guard.ts";
import { probingGuard } from "../adapters/probe.ts";
import type { Sink } from "../core/events.ts";

interface GuardsOptions {
  readonly crash: CrashLimits;
  /** Names the server in events. */
  readonly server: string;
  /** Starts the server for nobody, and stops it again; rejects with why that failed. */
  readonly probe: () => Promise<void>;
  /** Ends the probing. */
  readonly signal: AbortSignal;
  readonly emit: Sink;
}

export class Guards {
  /** Of all servers that are each for one client: many depend on what one of them may have caused. */
  readonly start: CrashGuard;
  readonly #options: GuardsOptions;

  constructor(options: GuardsOptions) {
    this.#options = options;
    this.start = this.#forAll("start", true);
  }

  /** For a server on which some clients depend, under this name in events. */
  forSome(label: string): CrashGuard {
    return new CrashGuard({ ...this.#told(label, "session"), fair: false });
  }

  /** For a server on which all clients depend. */
  forAll(label: string): CrashGuard {
    return this.#forAll(label, false);
  }

  /** Who looks at our health may send nobody any more, so it is tried without being asked. */
  #forAll(label: string, fair: boolean): CrashGuard {
    const { signal, emit, probe } = this.#options;
    return probingGuard({ ...this.#told(label, "all"), fair, signal, emit, probe });
  }

  #told(session: string, scope: "all" | "session") {
    const { crash, server, emit } = this.#options;
    return {
      ...crash,
      onFailed: (reason: string) => emit({ type: "server.failed", session, server, scope, reason }),
      onRecovered: () => emit({ type: "server.recovered", session, server, scope }),
    };
  }
}
