/** The elements of an array in JSON, each as it is spelled. */
import { closes, opens } from "./message_limits.ts";
import { endOfValue } from "./members.ts";

const COMMA = 0x2c;

/** `json` must be what JSON.parse has found an array in. */
export function elementsIn(json: string): string[] {
  const elements: string[] = [];
  let at = skipTo(json, 0);
  if (!opens(json.charCodeAt(at))) return elements;
  at = skipTo(json, at + 1);
  while (at < json.length && !closes(json.charCodeAt(at))) {
    const end = endOfElement(json, at);
    elements.push(json.slice(at, end));
    at = skipTo(json, end);
    if (json.charCodeAt(at) === COMMA) at = skipTo(json, at + 1);
  }
  return elements;
}

/** A number or a word ends at the bracket, too. */
function endOfElement(json: string, start: number): number {
  const end = endOfValue(json, start);
  const bracket = json.indexOf("]", start);
  const isScalar = !opens(json.charCodeAt(start)) && json[start] !== '"';
  return isScalar && bracket >= 0 ? Math.min(end, bracket) : end;
}

function skipTo(json: string, start: number): number {
  let at = start;
  while (json.charCodeAt(at) <= 0x20) at++;
  return at;
}
