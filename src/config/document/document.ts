/** The text of a configuration file, in any of the formats, to one value with positions. A parser is loaded for its format alone. */
import {
  duplicates,
  entryOf,
  type Fault,
  type Node,
  type Position,
  type Reading,
  START,
  TOO_DEEP,
  valueOf,
} from "./tree.ts";

export type { Fault, Position };

/** Keys, and the places of items in lists from 0. */
export type Path = readonly (string | number)[];

export interface Document {
  readonly value: unknown;
  /** Of the key, or of the item; of the nearest thing around it where there is none. */
  readonly positionOf: (path: Path) => Position;
}

type DocumentReading =
  | { readonly kind: "document"; readonly document: Document }
  | { readonly kind: "faults"; readonly faults: readonly Fault[] };

/** By the end of the name; comments and trailing commas are allowed in JSON too, as the files of other programs have them. */
const READERS: Readonly<Record<string, () => Promise<(text: string) => Reading>>> = {
  toml: async () => (await import("./toml.ts")).readToml,
  yaml: async () => (await import("./yaml.ts")).readYaml,
  yml: async () => (await import("./yaml.ts")).readYaml,
  json: async () => (await import("./json.ts")).readJson,
  jsonc: async () => (await import("./json.ts")).readJson,
};

/** The order in which a file is looked for. */
export const EXTENSIONS = Object.keys(READERS);

/** Undefined for a file that is none of ours by its name. */
export function extensionOf(path: string): string | undefined {
  const extension = /\.(\w+)$/.exec(path)?.[1]?.toLowerCase();
  return extension !== undefined && EXTENSIONS.includes(extension) ? extension : undefined;
}

/** `extension` is one of EXTENSIONS. */
export async function readDocument(text: string, extension: string): Promise<DocumentReading> {
  const read = await READERS[extension]!();
  const reading = shallow(() => read(text.replace(/^\uFEFF/, "")));
  if (reading.kind === "faults") return reading;
  const twice = duplicates(reading.root);
  return twice.length > 0
    ? { kind: "faults", faults: twice }
    : { kind: "document", document: documentOf(reading.root) };
}

/** Parsers go down by recursion. */
function shallow(read: () => Reading): Reading {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { kind: "faults", faults: [{ at: START, text: TOO_DEEP }] };
  }
}

function documentOf(root: Node): Document {
  return { value: valueOf(root), positionOf: (path) => positionOf(root, path) };
}

function positionOf(root: Node, path: Path): Position {
  let [node, at] = [root, root.at];
  for (const step of path) {
    const next = stepInto(node, step);
    if (next === undefined) return at;
    ({ node, at } = next);
  }
  return at;
}

function stepInto(node: Node, step: string | number): { node: Node; at: Position } | undefined {
  if (node.kind === "table") return entryOf(node, String(step));
  const item = node.kind === "list" ? node.items[Number(step)] : undefined;
  return item && { node: item, at: item.at };
}
