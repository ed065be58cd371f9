/** A server that clients share: all of them, or those of one principal, and of those such as start it alike. */
import { guardOpen } from "../adapters/guard_open.ts";
import { openModern } from "../adapters/era/open_modern.ts";
import { supervise } from "../adapters/supervise.ts";
import { type Assignment, isAsConfigured, type Peer, type SharedServing } from "../core/backend.ts";
import { background } from "../core/events.ts";
import type { Attempt } from "../observe/trial.ts";
import type { PlacementConfig } from "./config.ts";
import type { PoolKey } from "./pool_key.ts";
import { SharedPool } from "./shared_pool.ts";
import { SharedPools } from "./shared_pools.ts";
import type { Strategy, StrategyOptions } from "./strategy.ts";
import { supervision } from "./supervision.ts";

/** How often to look for servers of principals that nobody uses any more. */
const IDLE_CHECK_MS = 60_000;
/** Names the server that all share in events, where a session id would stand. */
const SHARED = "shared";

/** What a shared server may ask of sessions; a client that did not declare the same is not asked. */
const SESSION_CAPABILITIES = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
};

interface SharedOptions extends StrategyOptions {
  /** Whether each principal has a server of its own. */
  readonly byPrincipal: boolean;
  /** What its servers are called in events. */
  readonly label?: string;
  /** Whether they may ask their clients something; by default where there are sessions that could be asked. */
  readonly asks?: boolean;
  /** Whether one is started before anybody comes, where that is wanted. True by default. */
  readonly ahead?: boolean;
  /** Whether its servers are spoken to without a handshake. False by default. */
  readonly modern?: boolean;
}

export class Shared implements Strategy {
  readonly #options: SharedOptions;
  readonly #pools = new SharedPools((key, onWanted) => this.#createPool(key, onWanted));
  /** How many pools have other settings than the configured ones. */
  #unlike = 0;
  #idleCheck: ReturnType<typeof setInterval> | undefined;

  constructor(options: SharedOptions) {
    this.#options = options;
  }

  serverFor({ scope, principal, launch }: Peer): Assignment {
    const owner = this.#options.byPrincipal ? principal : undefined;
    const pool = owner || launch ? this.#pools.get({ principal: owner, launch }) : this.#pools.everybodys;
    return pool.serverFor(scope);
  }

  start(): void {
    const { config, servers } = this.#options;
    this.#idleCheck = setInterval(
      () => this.#background(this.#pools.stopAbandoned(config.sessionTimeoutMs)),
      IDLE_CHECK_MS,
    );
    if (config.prewarm === 0 || !servers.spawns || this.#options.ahead === false) return;
    // Why it did not start is told by its guard, and the first client hears it too.
    void this.#pools.everybodys.start().catch(() => {});
  }

  tryOut(): Attempt {
    return { label: SHARED, done: this.#pools.everybodys.start() };
  }

  shared(): readonly SharedServing[] {
    return this.#pools.running();
  }

  /** What was started ahead here is opened again as any other. */
  renew(): void {}

  giveUpOne(): boolean {
    return this.#pools.giveUpOne();
  }

  stopIdlest(): void {
    this.#background(this.#pools.stopIdlest(this.#options.config.evictAfterMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#idleCheck);
    await this.#pools[Symbol.asyncDispose]();
  }

  #createPool({ principal, launch: settings }: PoolKey, onWanted?: () => void): SharedPool {
    const { config, servers, guards, label: name = SHARED, asks = asksSessions(config) } = this.#options;
    const { restart } = config;
    const alike = !settings || isAsConfigured(settings);
    const label = name + (principal ? `:${principal.name}` : "") + (alike ? "" : `#${++this.#unlike}`);
    const scope = label === name ? "all" : "session";
    const guard = scope === "all" ? guards.forAll(label) : guards.forSome(label);
    const restarts = !servers.spawns || restart !== "never";
    // Each of its sessions is held to the limit of subscriptions by itself.
    const supervised = supervision(this.#options, { maxSubscriptions: Infinity, guards: () => [guard] });
    const told = { label, settings, scope, restarts, onWanted } as const;
    if (this.#options.modern) {
      // Nothing is known of a conversation that a new one would have to be told: whoever comes next opens it.
      return new SharedPool(guardOpen(servers.modern, guard), {
        ...servers.sharing,
        ...told,
        open: openModern,
      });
    }
    const backend = restarts
      ? supervise(servers.cold, { ...supervised, shared: true })
      : guardOpen(servers.withAnswerNames(servers.cold, { shared: true }), guard);
    const capabilities = asks ? SESSION_CAPABILITIES : {};
    const sharing = { ...servers.sharing, capabilities };
    return new SharedPool(backend, { ...sharing, ...told });
  }

  #background(work: Promise<void>): void {
    background(work, "idle server", this.#options.emit);
  }
}

/** Whether somebody is there whom a shared server could ask something. */
export function asksSessions({ children, transports, stateful }: PlacementConfig): boolean {
  return children !== "auto" &&
    transports.some((transport) => transport !== "streamableHttp" || stateful);
}
