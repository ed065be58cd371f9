/** A verdict on a text, made once for each of the few that come again and again. */

/** An attacker who invents texts must not fill the memory with them. */
const MAX_REMEMBERED = 256;
/** Nor few, but long ones. */
const MAX_CHARS = 512;

export function remembered<T>(judge: (text: string) => T): (text: string) => T {
  const verdicts = new Map<string, T>();
  // Mostly it is the same text as before, and to compare costs less than to look up.
  let last: { readonly text: string; readonly verdict: T } | undefined;
  return (text) => {
    if (last?.text === text) return last.verdict;
    let verdict = verdicts.get(text);
    if (verdict === undefined) {
      verdict = judge(text);
      if (text.length > MAX_CHARS) return verdict;
      if (verdicts.size < MAX_REMEMBERED) verdicts.set(text, verdict);
    }
    last = { text, verdict };
    return verdict;
  };
}
