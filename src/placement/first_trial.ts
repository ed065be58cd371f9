/** Starts the server before anybody comes, to find out whether that can be done (option `tryAtStart`). */
import type { Attempt } from "../observe/trial.ts";
import { pause } from "../base/retry.ts";
import type { PlacementConfig } from "./config.ts";
import type { Servers } from "./servers.ts";
import type { Strategy } from "./strategy.ts";
import { TrialStart } from "./trial_start.ts";

/** Names the server that is tried for nobody in events, where a session id would stand. */
const TRIED = "trial";
/** A client that comes sooner finds out by itself, and two servers that start at a time would be in each other's way. */
const TRY_AFTER_MS = 100;

interface FirstTrialOptions {
  readonly config: Pick<PlacementConfig, "tryAtStart" | "transports" | "exitOnFailure">;
  readonly servers: Servers;
  /** Those of the clients that may come. */
  readonly strategies: readonly Strategy[];
  /** From then on nothing is tried any more. */
  readonly signal: AbortSignal;
}

export class FirstTrial implements AsyncDisposable {
  readonly #options: FirstTrialOptions;
  #start: TrialStart | undefined;

  constructor(options: FirstTrialOptions) {
    this.#options = options;
  }

  /**
   * Undefined where nothing is started, or not for the first client alone. A server that all share, or that is kept
   * ready, stays; another one is stopped again.
   */
  begin(): Attempt | undefined {
    const { config: { tryAtStart, transports }, servers, strategies, signal } = this.#options;
    if (!tryAtStart || !servers.spawns || signal.aborted) return undefined;
    for (const strategy of strategies) {
      const attempt = strategy.tryOut();
      if (attempt) return attempt;
    }
    // The client on our stdin comes at once, and two servers would be started at a time.
    if (transports.includes("stdio")) return undefined;
    this.#start = new TrialStart((signal) => this.#openForNobody(signal), signal);
    return { label: TRIED, done: this.#start.done };
  }

  /** Ends it for somebody who needs its place; false where it has none. */
  giveUp(): boolean {
    return this.#start?.giveUp() ?? false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#start?.[Symbol.asyncDispose]();
  }

  async #openForNobody(signal: AbortSignal): Promise<AsyncDisposable | undefined> {
    const { config, servers } = this.#options;
    await pause(TRY_AFTER_MS, signal);
    if (servers.leases.wanted && !config.exitOnFailure) return undefined;
    return await servers.openForNobody(TRIED, signal);
  }
}
