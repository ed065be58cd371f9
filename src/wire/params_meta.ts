/** A request with another `_meta`, or with none; all else stays as it is spelled. */
import { eachMember, endOfValue, isObjectAt, nameAt, startOfValue } from "../core/message/members.ts";
import { endOfSoleKey } from "./sole_key.ts";

const [PARAMS, META, COMMA] = ["params", "_meta", ","];

interface Place {
  /** Of the member's name. */
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/**
 * The text with other JSON in the place of that of `params._meta`, from which `make` makes it; undefined takes it out.
 * Undefined where that is not there once. `text` must be what JSON.parse has found an object in there.
 */
export function withParamsMeta(
  text: string,
  make: (json: string) => string | undefined,
): string | undefined {
  const found = quicklyPlaced(text) ?? metaPlace(text);
  if (!found) return undefined;
  const { start, valueStart, end } = found;
  const meta = make(text.slice(valueStart, end));
  if (meta !== undefined) return text.slice(0, valueStart) + meta + text.slice(end);
  const before = text.slice(0, start).trimEnd();
  // With the comma that stands before it or, of the first one, behind it.
  if (before.endsWith(COMMA)) return before.slice(0, -1) + text.slice(end);
  const behind = text.slice(end).trimStart();
  return before + (behind.startsWith(COMMA) ? behind.slice(1) : behind);
}

/** JSON of the members of an object that have these names, each value as it is spelled: what JSON.parse finds there. */
export function membersNamed(json: string, names: ReadonlySet<string>): string {
  const members = new Map<string, string>();
  eachMember(json, json.indexOf("{"), ({ nameStart, nameEnd, valueStart }) => {
    const end = endOfValue(json, valueStart);
    const name = nameAt(json, nameStart, nameEnd);
    if (names.has(name)) members.set(name, json.slice(valueStart, end));
    return end;
  });
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

/** As mostly: both keys are written once, so this is where JSON.parse has found it. */
function quicklyPlaced(text: string): Place | undefined {
  const keyEnd = endOfSoleKey(text, META);
  if (keyEnd === undefined || endOfSoleKey(text, PARAMS) === undefined) return undefined;
  const valueStart = startOfValue(text, keyEnd);
  return { start: keyEnd - META.length - 2, valueStart, end: endOfValue(text, valueStart) };
}

function metaPlace(text: string): Place | undefined {
  let found: Place | undefined;
  let [params, metas] = [0, 0];
  eachMember(text, text.indexOf("{"), ({ nameStart, nameEnd, valueStart }) => {
    if (nameAt(text, nameStart, nameEnd) !== PARAMS) return endOfValue(text, valueStart);
    params++;
    if (!isObjectAt(text, valueStart)) return endOfValue(text, valueStart);
    return eachMember(text, valueStart, (member) => {
      const end = endOfValue(text, member.valueStart);
      if (nameAt(text, member.nameStart, member.nameEnd) === META) {
        metas++;
        found = { start: member.nameStart, valueStart: member.valueStart, end };
      }
      return end;
    });
  });
  return params === 1 && metas === 1 ? found : undefined;
}
