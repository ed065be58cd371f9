/** JSON, with comments and trailing commas. */
import { type Node as JsonNode, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { faults, leaf, type Node, type Position, type Reading, table } from "./tree.ts";

export function readJson(text: string): Reading {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const at = positions(text);
  if (root && errors.length === 0) return { kind: "tree", root: nodeOf(root, at) };
  return faults(errors.map(({ error, offset }) => ({ at: at(offset), text: inWords(error) })));
}

type PositionAt = (offset: number) => Position;

function nodeOf(node: JsonNode, at: PositionAt): Node {
  const [place, children] = [at(node.offset), node.children ?? []];
  if (node.type === "array") {
    return { kind: "list", at: place, items: children.map((item) => nodeOf(item, at)) };
  }
  if (node.type !== "object") return leaf(place, node.value);
  return table(
    place,
    children.flatMap(({ children: [key, value] = [] }) =>
      key && value ? [{ key: String(key.value), at: at(key.offset), node: nodeOf(value, at) }] : []
    ),
  );
}

/** `CommaExpected` is "comma expected". */
function inWords(error: ParseError["error"]): string {
  return printParseErrorCode(error).replace(/(?<!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

function positions(text: string): PositionAt {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return (offset) => {
    const line = starts.findLastIndex((start) => start <= offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
}
