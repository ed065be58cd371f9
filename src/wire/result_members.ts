/** An answer whose result has more members; all that it had stays as it is spelled. */
import { eachMember, endOfValue, isObjectAt, nameAt } from "../core/message/members.ts";

/**
 * The text of an answer with these members, in JSON, at the end of its result; undefined where that is no object, or stands
 * there more than once. None of them may be there already.
 */
export function withResultMembers(text: string, members: string): string | undefined {
  let end: number | undefined;
  let isEmpty = false;
  let count = 0;
  eachMember(text, text.indexOf("{"), ({ nameStart, nameEnd, valueStart }) => {
    const valueEnd = endOfValue(text, valueStart);
    if (nameAt(text, nameStart, nameEnd) === "result") {
      count++;
      if (isObjectAt(text, valueStart)) end = valueEnd - 1;
      isEmpty = text.slice(valueStart + 1, valueEnd - 1).trim() === "";
    }
    return valueEnd;
  });
  if (count !== 1 || end === undefined) return undefined;
  return `${text.slice(0, end)}${isEmpty ? "" : ","}${members}${text.slice(end)}`;
}
