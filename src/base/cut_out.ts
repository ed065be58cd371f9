/** A part of a text as a text of its own. */

/**
 * The engine keeps the whole alive for the sake of a part. So a small one, which may wait for its reader long after the
 * rest is gone, is put together anew; of a large one that would cost more than it saves.
 */
export function cutOut(part: string, wholeLength: number): string {
  return part.length * 2 < wholeLength ? ` ${part}`.slice(1) : part;
}
