/** What is set while the gateway runs, and what it comes to together with what a caller has brought. */
import type { LaunchSettings, NamedChanges } from "../core/backend.ts";

/**
 * A field that is left out says nothing; one that is null has it as it is configured, whatever others say that count
 * less. A variable or a header that is null is taken away.
 */
export interface Override {
  /** Behind those that are configured. */
  readonly args?: readonly string[] | null;
  readonly env?: NamedChanges | null;
  /** By lower-case name; a bearer token is one of them. */
  readonly headers?: NamedChanges | null;
}

/** Everything is as it is configured. */
export const NOTHING: Override = {};

function isNothing({ args, env, headers }: Override): boolean {
  return args === undefined && env === undefined && headers === undefined;
}

/** What counts most comes last: a session's override over what its caller has brought, and that over the defaults. */
export function merge(
  defaults: Override,
  caller: LaunchSettings,
  session: Override = NOTHING,
): LaunchSettings {
  if (isNothing(defaults) && isNothing(session)) return caller;
  const { args = defaults.args } = session;
  return {
    args: [...caller.args, ...args ?? []],
    env: layered(defaults.env, caller.env, session.env),
    headers: layered(defaults.headers, caller.headers, session.headers),
  };
}

function layered(
  defaults: NamedChanges | null | undefined,
  caller: NamedChanges,
  session: NamedChanges | null | undefined,
): NamedChanges {
  return session === null ? {} : { ...defaults, ...caller, ...session };
}

/** The override after a change of it: what the change does not name stays. */
export function changed(override: Override, change: Override): Override {
  const { env, headers } = change;
  return {
    ...override,
    ...change,
    ...env && { env: { ...override.env, ...env } },
    ...headers && { headers: { ...override.headers, ...headers } },
  };
}

/** What a change names, without any value. */
export function namesIn({ args, env, headers }: Override): string[] {
  return [
    ...args === undefined ? [] : ["args"],
    ...namesOf("env", env),
    ...namesOf("headers", headers),
  ];
}

function namesOf(field: string, values: NamedChanges | null | undefined): string[] {
  if (values === undefined) return [];
  return values === null ? [field] : Object.keys(values).map((name) => `${field}.${name}`);
}

/** The same text for settings that start or call a server alike. */
export function settingsText({ args, env, headers }: LaunchSettings): string {
  return JSON.stringify([args, inOrder(env), inOrder(headers)]);
}

function inOrder(values: NamedChanges): [string, string | null][] {
  return Object.entries(values).sort(([one], [other]) => one < other ? -1 : 1);
}
