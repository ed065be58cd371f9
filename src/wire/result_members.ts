/** An answer whose result has more members; all that it had stays as it is spelled. */
import {
  eachMember,
  endOfValue,
  isEmptyAt,
  isObjectAt,
  nameAt,
  startOfValue,
} from "../core/message/members.ts";
import { endOfSoleKey } from "./sole_key.ts";

/**
 * The text of an answer with these members, in JSON, at the beginning of its result; undefined where that stands there more
 * than once. `text` must be what JSON.parse has found an object in as the result, which has none of them.
 */
export function withResultMembers(text: string, members: string): string | undefined {
  const start = startOfResult(text);
  if (start === undefined || !isObjectAt(text, start)) return undefined;
  const comma = isEmptyAt(text, start) ? "" : ",";
  return `${text.slice(0, start + 1)}${members}${comma}${text.slice(start + 1)}`;
}

function startOfResult(text: string): number | undefined {
  const keyEnd = endOfSoleKey(text, "result");
  if (keyEnd !== undefined) return startOfValue(text, keyEnd);
  let found: number | undefined;
  let count = 0;
  eachMember(text, text.indexOf("{"), ({ nameStart, nameEnd, valueStart }) => {
    if (nameAt(text, nameStart, nameEnd) === "result") {
      count++;
      found = valueStart;
    }
    return endOfValue(text, valueStart);
  });
  return count === 1 ? found : undefined;
}
