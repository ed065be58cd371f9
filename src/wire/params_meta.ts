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
  const found = metaPlace(text);
  if (!found) return undefined;
  const { start, valueStart, end } = found;
  if (meta !== undefined) return text.slice(0, valueStart) + meta + text.slice(end);
  const before = text.slice(0, start).trimEnd();
  // With the comma that stands before it or, of the first one, behind it.
  if (before.endsWith(COMMA)) return before.slice(0, -1) + text.slice(end);
  const behind = text.slice(end).trimStart();
  return before + (behind.startsWith(COMMA) ? behind.slice(1) : behind);
}

function metaPlace(text: string): Place | undefined {
  let found: Place | undefined;
  let [params, metas] = [0, 0];
  eachMember(text, text.indexOf("{"), ({ nameStart, nameEnd, valueStart }) => {
    if (nameAt(text, nameStart, nameEnd) !== "params") return endOfValue(text, valueStart);
    params++;
    if (!isObjectAt(text, valueStart)) return endOfValue(text, valueStart);
    return eachMember(text, valueStart, (member) => {
      const end = endOfValue(text, member.valueStart);
      if (nameAt(text, member.nameStart, member.nameEnd) === "_meta") {
        metas++;
        found = { start: member.nameStart, valueStart: member.valueStart, end };
      }
      return end;
    });
  });
  return params === 1 && metas === 1 ? found : undefined;
}
