/** Which known name somebody may have meant. */

/** A typing error or two; more is another word. */
const MOST_CHANGES = 2;

/** The nearest one, whatever its case, or undefined where none is near. */
export function similarName(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((candidate) => ({
    candidate,
    far: distance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  const [nearest] = ranked.sort((one, other) => one.far - other.far);
  if (nearest === undefined) return undefined;
  const allowed = Math.min(MOST_CHANGES, Math.floor(name.length / 3));
  return nearest.far <= allowed ? nearest.candidate : undefined;
}

/** How many letters have to be changed, put in or left out (Levenshtein). */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > MOST_CHANGES) return Infinity;
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (const [index, wanted] of [...other].entries()) {
      const replaced = row[index]! + (letter === wanted ? 0 : 1);
      next.push(Math.min(replaced, row[index + 1]! + 1, next[index]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
