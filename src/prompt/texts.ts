/** What the prompt answers. */
import { REDACTED } from "../base/redact.ts";
import { isObject } from "../core/message/jsonrpc.ts";
import type { Applied } from "../overrides/runtime.ts";
import type { SessionReport } from "../overrides/session_report.ts";
import type { ReloadOutcome } from "./target.ts";

export function sessionsText(sessions: readonly SessionReport[]): string {
  if (sessions.length === 0) return "There is no session\n";
  return sessions.map((session) => `${session.id}  ${detailsOf(session).join(", ")}\n`).join("");
}

/** What is not known, or nothing out of the ordinary, is left out. */
function detailsOf(session: SessionReport): string[] {
  const { server, wire, client, principal, ageSeconds, idleSeconds, openRequests, pid, restarts } = session;
  const isChanged = Object.keys(session.override).length > 0;
  return [
    ...[server, wire],
    ...client.name === undefined ? [] : [`${client.name} ${client.version ?? ""}`.trimEnd()],
    ...principal === undefined ? [] : [`of ${principal}`],
    `since ${ageSeconds} s`,
    ...idleSeconds === undefined ? [] : [`idle for ${idleSeconds} s`],
    ...openRequests === 0 ? [] : [`open requests ${openRequests}`],
    ...pid === undefined ? [] : [`pid ${pid}`],
    ...restarts === 0 ? [] : [`restarts ${restarts}`],
    ...isChanged ? ["with settings of its own"] : [],
  ];
}

/** What was asked for, as `env.NAME` and `headers.name`: whatever it is called, it is not shown. */
export type Hidden = ReadonlySet<string>;

type Named = readonly [name: string, override: Record<string, unknown>];

/** What is set, by the server or the session for which it is. */
export function overridesText(overrides: readonly Named[], hidden: Hidden): string {
  return overrides.map(([name, override]) => `${name}  ${overrideText(override, hidden)}\n`).join("");
}

/** How many have it live, with another start of their server, and not at all: the words are those of the endpoint. */
export function appliedText({ value, live, restart, kept }: Applied, hidden: Hidden): string {
  const reached = `live ${live.length}, restart ${restart.length}, kept ${kept.length}`;
  return `Set is now ${overrideText(value, hidden)}: ${reached}\n`;
}

function overrideText(override: Record<string, unknown>, hidden: Hidden): string {
  if (Object.keys(override).length === 0) return "nothing";
  const shown = Object.entries(override).map((
    [field, value],
  ) => [field, withoutHidden(field, value, hidden)]);
  return JSON.stringify(Object.fromEntries(shown));
}

function withoutHidden(field: string, value: unknown, hidden: Hidden): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [
      name,
      text !== null && hidden.has(`${field}.${name}`) ? REDACTED : text,
    ]),
  );
}

export function reloadText(outcome: ReloadOutcome): string {
  if (outcome.kind === "refused") {
    return ["Nothing is changed:", ...outcome.problems.map((problem) => `  ${problem}`), ""].join("\n");
  }
  const { added, changed, removed, later } = outcome;
  const changes = Object.entries({ added, changed, removed, "at the next start": later })
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what}: ${names.join(", ")}`);
  return `Applied: ${changes.length === 0 ? "nothing is another than before" : changes.join("; ")}\n`;
}
