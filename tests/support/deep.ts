/** JSON that nests far deeper than anything that is meant: its text, since to write it from a value would recurse. */

export function deepArray(depth = 3_000): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

/** An answer whose id comes last. */
export function deepAnswer(id: string | number): string {
  return `{"jsonrpc":"2.0","result":${deepArray()},"id":${JSON.stringify(id)}}`;
}

/** What its asker is told instead. */
export const DEEP_ANSWER_REFUSED =
  "The MCP server's answer was refused: it is a message that nests deeper than 512 levels (--maxDepth)";
