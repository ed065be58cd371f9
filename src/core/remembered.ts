/** A verdict on a text, made once for each of the few that come again and again. */

/** An attacker who invents texts must not fill the memory with them. */
const MAX_REMEMBERED = 256;
/** Nor few, but long ones. */
const MAX_CHARS = 512;

export function remembered<T>(judge: (text: string) => T): (text: string) => T {
  const verdicts = new Map<string, T>();
  return (text) => {
    const known = verdicts.get(text);
    if (known !== undefined) return known;
    const verdict = judge(text);
    if (verdicts.size < MAX_REMEMBERED && text.length <= MAX_CHARS) verdicts.set(text, verdict);
    return verdict;
  };
}
