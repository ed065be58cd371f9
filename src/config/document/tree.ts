/** A document as its parser read it: what there is, in order, with where it stands. The same for every format. */

/** Both from 1, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

type Scalar = string | number | boolean | null;

export type Node = Leaf | List | Table;

interface Leaf {
  readonly kind: "leaf";
  readonly at: Position;
  readonly value: Scalar;
}

interface List {
  readonly kind: "list";
  readonly at: Position;
  readonly items: Node[];
}

export interface Table {
  readonly kind: "table";
  readonly at: Position;
  /** As they are written: a key may be there twice. */
  readonly entries: Entry[];
}

interface Entry {
  readonly key: string;
  readonly at: Position;
  readonly node: Node;
}

/** What is wrong with the text itself. */
export interface Fault {
  readonly at: Position;
  readonly text: string;
}

/** What a parser makes of a text: a tree, or all that it found wrong. */
export type Reading =
  | { readonly kind: "tree"; readonly root: Node }
  | { readonly kind: "faults"; readonly faults: readonly Fault[] };

export const START: Position = { line: 1, column: 1 };
export const TOO_DEEP = "nests too deep";

export function leaf(at: Position, value: Scalar): Leaf {
  return { kind: "leaf", at, value };
}

export function table(at: Position, entries: Entry[] = []): Table {
  return { kind: "table", at, entries };
}

export function faults(faults: readonly Fault[]): Reading {
  return { kind: "faults", faults };
}

/** Which entry a key means. */
export function entryOf({ entries }: Table, key: string): Entry | undefined {
  return entries.find((entry) => entry.key === key);
}

export function valueOf(node: Node): unknown {
  if (node.kind === "leaf") return node.value;
  if (node.kind === "list") return node.items.map(valueOf);
  return Object.fromEntries(node.entries.map(({ key, node }) => [key, valueOf(node)]));
}

/** Every key that its table has already. */
export function duplicates(node: Node): Fault[] {
  if (node.kind === "leaf") return [];
  if (node.kind === "list") return node.items.flatMap(duplicates);
  const seen = new Set<string>();
  return node.entries.flatMap(({ key, at, node }) => {
    const again = seen.has(key) ? [{ at, text: `${JSON.stringify(key)} is there twice` }] : [];
    seen.add(key);
    return [...again, ...duplicates(node)];
  });
}
