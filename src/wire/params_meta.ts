/** A request with another `_meta`, or with none; all else stays as it is spelled. */
import { eachMember, endOfValue, isObjectAt, nameAt } from "../core/message/members.ts";

const COMMA = ",";

interface Place {
  /** Of the member's name. */
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** The text with this JSON in the place of `params._meta`, which undefined takes out; undefined where that is not there once. */
export function withParamsMeta(text: string, meta: string | undefined): string | undefined {
  const params = soleMember(text, text.indexOf("{"), "params");
  if (!params || !isObjectAt(text, params.valueStart)) return undefined;
  const found = soleMember(text, params.valueStart, "_meta");
  if (!found) return undefined;
  const { start, valueStart, end } = found;
  if (meta !== undefined) return text.slice(0, valueStart) + meta + text.slice(end);
  const before = text.slice(0, start).trimEnd();
  // With the comma that stands before it or, of the first one, behind it.
  if (before.endsWith(COMMA)) return before.slice(0, -1) + text.slice(end);
  const behind = text.slice(end).trimStart();
  return before + (behind.startsWith(COMMA) ? behind.slice(1) : behind);
}

function soleMember(text: string, start: number, name: string): Place | undefined {
  let found: Place | undefined;
  let count = 0;
  eachMember(text, start, ({ nameStart, nameEnd, valueStart }) => {
    const end = endOfValue(text, valueStart);
    if (nameAt(text, nameStart, nameEnd) === name) {
      count++;
      found = { start: nameStart, valueStart, end };
    }
    return end;
  });
  return count === 1 ? found : undefined;
}
