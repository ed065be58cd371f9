/** How a server is kept alive: how often it is tried, by whose leave, and what it is told then. */
import type { Guard } from "../adapters/crash_guard.ts";
import type { SuperviseOptions } from "../adapters/supervise.ts";
import type { Launch } from "../core/backend.ts";
import { BackendError } from "../core/errors.ts";
import type { StrategyOptions } from "./strategy.ts";

interface SupervisionOptions {
  /** Of one conversation with the server. */
  readonly maxSubscriptions: number;
  /** Who decides whether the server of this session may be started. */
  readonly guards: (launch: Launch) => readonly Guard[];
}

/** A remote is tried so often, a child until its guard says that it has failed. */
export function supervision(
  { config, servers, draining: stopping, emit }: StrategyOptions,
  { maxSubscriptions, guards }: SupervisionOptions,
): SuperviseOptions {
  const { retry, restartDelay, restart, prewarm, maxUriChars, maxHandshakeChars } = config;
  const { startTimeoutMs: replayTimeoutMs, maxBufferedBytes } = config;
  const remembers = { maxSubscriptions, maxUriChars, maxHandshakeChars };
  const common = { replayTimeoutMs, maxBufferedBytes, remembers, emit, stopping };
  if (!servers.spawns) return { ...common, retry };
  return {
    ...common,
    delivers: true,
    retry: { attempts: Infinity, ...restartDelay },
    firstAttempts: 0,
    // One that was ready may have been dying.
    handshakeTries: prewarm > 0 ? 2 : 1,
    reopens: (reason) => restart === "always" || !(reason instanceof BackendError && reason.clean),
    guards,
  };
}
