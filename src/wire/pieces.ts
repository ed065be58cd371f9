/** A text piece by piece. */

const [FIRST_HIGH, LAST_HIGH] = [0xd800, 0xdbff];

/** Of so many characters each, or one less where a character that takes two would be cut. */
export function* piecesOf(text: string, size: number): Iterable<string> {
  for (let from = 0; from < text.length;) {
    const to = from + size;
    const last = text.charCodeAt(to - 1);
    const end = last >= FIRST_HIGH && last <= LAST_HIGH && to < text.length ? to - 1 : to;
    yield text.slice(from, end);
    from = end;
  }
}
