/** What clients must have in common to be answered by one server. */
import { isAsConfigured, type LaunchSettings, type Principal } from "../core/backend.ts";
import { settingsText } from "../overrides/override.ts";

/** The server itself is no part of it: each that is served has pools of its own. */
export interface PoolKey {
  /** Whose server it is; that of everybody else by default. */
  readonly principal?: Principal | undefined;
  /** What the server is started or called with; as configured by default. */
  readonly launch?: LaunchSettings | undefined;
}

/** The same text for the same key, and undefined for that of everybody else whose server is started as configured. */
export function keyText({ principal, launch }: PoolKey): string | undefined {
  const settings = launch && !isAsConfigured(launch) ? launch : undefined;
  if (!principal && !settings) return undefined;
  return JSON.stringify([principal?.name, settings && settingsText(settings)]);
}
