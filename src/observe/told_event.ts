/** What is told of an event to those who run the gateway: each value redacted and cut. */
import type { GatewayEvent } from "../core/events.ts";
import { safeValue, type TellingLimits } from "../base/telling.ts";

/** Of one value; lines of a child are cut by their reader, and a message has room for more than one value. */
export const VALUE: TellingLimits = { maxChars: 1_000, maxTotal: 4_000 };
const CHILD_LINE: TellingLimits = { maxChars: 8_200, maxTotal: 8_200 };
const CHILD_LINES: TellingLimits = { maxChars: 2_000, maxTotal: 16_000 };
const BODY: TellingLimits = { maxChars: 8_000, maxTotal: 16_000 };
const LIMITS: Readonly<Record<string, TellingLimits>> = { line: CHILD_LINE, stderr: CHILD_LINES, body: BODY };

/** All but its type, and what is told elsewhere already. */
export function toldFields(event: GatewayEvent, told?: string): Record<string, unknown> {
  const { type: _, ...fields } = event;
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === told) continue;
    shown[name] = safeValue(
      name === "session" && typeof value === "string" ? shortenedId(value) : plain(value),
      LIMITS[name] ?? VALUE,
    );
  }
  return shown;
}

/** A session's id is a secret: with it, anybody could send as its client. Its beginning is told alone. */
export function shortenedId(session: string): string {
  return looksLikeUuid(session) ? session.slice(0, 8) : session;
}

/** With each call of a tool: a pattern would cost as much as all else of it. */
function looksLikeUuid(text: string): boolean {
  return text.length === 36 && text[8] === "-" && text[13] === "-" && text[18] === "-" && text[23] === "-";
}

/** Errors as text: their message, and what caused them. */
function plain(value: unknown): unknown {
  if (typeof value === "number") return Math.round(value * 100) / 100;
  if (!(value instanceof Error)) return value;
  return value.cause instanceof Error ? `${value.message}: ${value.cause.message}` : value.message;
}
