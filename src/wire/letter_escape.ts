/** The only escape that can spell a letter: `\u` and four digits (RFC 8259, section 7). */

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
/**
 * Whether JSON text has such an escape. A search for the two characters would begin anew at every backslash, which in a
 * text of nothing else takes longer than to parse it.
 */
export function spellsLetters(text: string): boolean {
  for (let at = text.indexOf("\\"); at !== -1; at = text.indexOf("\\", at)) {
    for (; text.charCodeAt(at) === BACKSLASH; at += 2) {
      if (text.charCodeAt(at + 1) === LETTER_U) return true;
    }
  }
  return false;
}
