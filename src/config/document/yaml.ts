/** YAML 1.2. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Alias, Document, ParsedNode, YAMLMap } from "yaml";
import { faults, leaf, type Node, type Position, type Reading, START, table, TOO_DEEP } from "./tree.ts";

/** Far more than a configuration has; aliases of aliases would make any number. */
const MAX_NODES = 100_000;

export function readYaml(text: string): Reading {
  const lines = new LineCounter();
  // Pretty errors quote the text, which may hold secrets; a key that is there twice is found for all formats alike.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) {
    const found = wrong.map(({ pos: [offset], message }) => ({ at: at(offset), text: told(message) }));
    // Each level that is left says then that it has no end.
    const tooDeep = found.find(({ text }) => text === TOO_DEEP);
    return faults(tooDeep ? [tooDeep] : found);
  }
  return new Tree(document, at).reading();
}

/** The parser passes on what the runtime says of its stack; and some messages end with what stands there. */
function told(message: string): string {
  return message.includes("call stack") ? TOO_DEEP : message.replace(/: "[^]*$/, "");
}

/** A value that cannot be had in a configuration, such as an alias of itself. */
class Unfit extends Error {
  readonly at: Position;

  constructor(at: Position, message: string) {
    super(message);
    this.at = at;
  }
}

class Tree {
  readonly #document: Document.Parsed;
  readonly #at: (offset: number) => Position;
  #nodes = 0;
  readonly #within: unknown[] = [];

  constructor(document: Document.Parsed, at: (offset: number) => Position) {
    this.#document = document;
    this.#at = at;
  }

  reading(): Reading {
    const { contents } = this.#document;
    // A text of comments alone says nothing.
    if (contents === null || (isScalar(contents) && contents.value === null)) {
      return { kind: "tree", root: table(START) };
    }
    try {
      return { kind: "tree", root: this.#node(contents) };
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      return faults([{ at: error.at, text: error.message }]);
    }
  }

  #node(node: unknown): Node {
    const at = this.#placeOf(node);
    if (++this.#nodes > MAX_NODES) throw new Unfit(at, `more than ${MAX_NODES} values`);
    if (isAlias(node)) return this.#aliased(node, at);
    if (isMap(node)) return this.#inside(node, () => this.#table(node, at));
    if (isSeq(node)) {
      return this.#inside(
        node,
        () => ({ kind: "list", at, items: node.items.map((item) => this.#node(item)) }),
      );
    }
    return leaf(at, scalarOf(isScalar(node) ? node.value : null));
  }

  #aliased(node: Alias, at: Position): Node {
    const target = node.resolve(this.#document);
    if (target === undefined) throw new Unfit(at, `*${node.source}: no &${node.source} stands before it`);
    if (this.#within.includes(target)) {
      throw new Unfit(at, `*${node.source} stands for something that it is a part of`);
    }
    return this.#node(target);
  }

  #table(map: YAMLMap, at: Position): Node {
    const entries = map.items.map(({ key, value }) => {
      const place = this.#placeOf(key);
      if (!isScalar(key)) throw new Unfit(place, "expected a text as key");
      return { key: String(key.value), at: place, node: this.#node(value) };
    });
    return table(at, entries);
  }

  #inside(node: unknown, make: () => Node): Node {
    this.#within.push(node);
    const made = make();
    this.#within.pop();
    return made;
  }

  #placeOf(node: unknown): Position {
    const [offset = 0] = (node as ParsedNode | null)?.range ?? [];
    return this.#at(offset);
  }
}

function scalarOf(value: unknown): string | number | boolean | null {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null || value === undefined ? null : String(value);
}
