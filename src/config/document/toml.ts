/** TOML 1. */
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { entryOf, faults, leaf, type Node, type Position, type Reading, type Table, table } from "./tree.ts";

type Key = AST.TOMLKey["keys"][number];

/** Stops at the first fault, as its parser does. */
export function readToml(text: string): Reading {
  try {
    return { kind: "tree", root: treeOf(parseTOML(text)) };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const { lineNumber, column, message } = error;
    return faults([{ at: { line: lineNumber, column: column + 1 }, text: faultText(message) }]);
  }
}

function faultText(message: string): string {
  return /multiple times/.test(message) ? "the key is there twice" : message;
}

function treeOf({ body: [top] }: AST.TOMLProgram): Node {
  const root = table(placeOf(top));
  for (const part of top.body) {
    if (part.type === "TOMLKeyValue") put(root, part);
    else putAll(section(root, part), part.body);
  }
  return root;
}

/** The table that a heading opens, `[a.b]` or `[[a.b]]`: there the last step is the place in a list. */
function section(root: Table, { key: { keys }, resolvedKey }: AST.TOMLTable): Table {
  let inside: Node = root;
  let used = 0;
  for (const [at, step] of resolvedKey.entries()) {
    if (typeof step === "number") inside = item(inside, step, keys[used - 1]!);
    else {inside = child(
        inside,
        keys[used++]!,
        typeof resolvedKey[at + 1] === "number" ? emptyList : emptyTable,
      );}
  }
  return inside.kind === "table" ? inside : root;
}

function item(list: Node, index: number, key: Key): Node {
  return list.kind === "list" ? list.items[index] ??= emptyTable(key) : list;
}

function emptyTable(key: Key): Table {
  return table(placeOf(key));
}

function emptyList(key: Key): Node {
  return { kind: "list", at: placeOf(key), items: [] };
}

function child(parent: Node, key: Key, make: (key: Key) => Node = emptyTable): Node {
  if (parent.kind !== "table") return parent;
  const name = nameOf(key);
  const known = entryOf(parent, name);
  if (known) return known.node;
  const node = make(key);
  parent.entries.push({ key: name, at: placeOf(key), node });
  return node;
}

function putAll(parent: Table, pairs: readonly AST.TOMLKeyValue[]): Table {
  for (const pair of pairs) put(parent, pair);
  return parent;
}

function put(parent: Table, { key, value }: AST.TOMLKeyValue): void {
  const [last, ...before] = [...key.keys].reverse();
  const inside = before.reverse().reduce((node: Node, name) => child(node, name), parent);
  child(inside, last!, () => nodeOf(value));
}

function nodeOf(node: AST.TOMLContentNode): Node {
  const at = placeOf(node);
  if (node.type === "TOMLArray") return { kind: "list", at, items: node.elements.map(nodeOf) };
  if (node.type === "TOMLInlineTable") return putAll(table(at), node.body);
  return leaf(at, scalarOf(node));
}

/** A date is what was written. */
function scalarOf(node: AST.TOMLValue): string | number | boolean {
  return node.value instanceof Date && "datetime" in node ? node.datetime : node.value as string | number;
}

function nameOf(key: Key): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}

function placeOf({ loc: { start } }: AST.TOMLNode): Position {
  return { line: start.line, column: start.column + 1 };
}
