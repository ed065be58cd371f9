/** A way of answering clients: which server has whom. */
import type { Assignment, Peer, SharedServing } from "../core/backend.ts";
import type { Sink } from "../core/events.ts";
import type { Attempt } from "../observe/trial.ts";
import type { PlacementConfig } from "./config.ts";
import type { Guards } from "./guards.ts";
import type { Servers } from "./servers.ts";

export interface Strategy extends AsyncDisposable {
  /** Which server answers this client; nothing is started by that. */
  serverFor(peer: Peer): Assignment;
  /** Starts what is wanted ahead, before anybody comes. */
  start(): void;
  /** The servers that run and are shared. */
  shared(): readonly SharedServing[];
  /** What was started ahead is started anew, with what holds now. */
  renew(): void;
  /** A start for nobody yet whose server stays; undefined where there is none. */
  tryOut(): Attempt | undefined;
  /** Stops a server that nobody has used yet, for somebody who needs its place; false when there is none. */
  giveUpOne(): boolean;
  /** Stops the server that nobody has used for longest, if that is long enough. */
  stopIdlest(): void;
}

/** What all strategies stand on. */
export interface StrategyOptions {
  readonly config: PlacementConfig;
  readonly servers: Servers;
  readonly guards: Guards;
  /** From then on nothing is started any more, while what runs may finish. */
  readonly draining: AbortSignal;
  readonly emit: Sink;
}
