/** Where a key stands, told without a look at the whole text. */
import { spellsLetters } from "./letter_escape.ts";

/**
 * Where a key ends that is written somewhere in this JSON, its quotes included: without `\u` it can be written in one way
 * only, but for a slash, and when that way is found once, it is this key. Undefined where that is not certain.
 */
export function endOfSoleKey(json: string, key: string): number | undefined {
  const quoted = `"${key}"`;
  const at = json.indexOf(quoted);
  if (at === -1 || json.includes(quoted, at + 1) || spellsLetters(json)) return undefined;
  if (key.includes("/") && json.includes("\\/")) return undefined;
  return at + quoted.length;
}
