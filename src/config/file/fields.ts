/** Options as a configuration file gives them: to a layer of values as flags would give them, with their places. */
import { isAbsolute, join } from "node:path";
import type { Path } from "../document/document.ts";
import type { Layer, Placed } from "../layers.ts";
import { findOption, type OptionKey } from "../options.ts";
import { type Findings, nameOfPath } from "./findings.ts";
import { type ConfigPatch, onlyPatched } from "./patch.ts";
import { isPath, RECORDS } from "./places.ts";
import { isTable, valueAt } from "./values_at.ts";

/** One option in the file. */
export interface Field {
  readonly key: OptionKey;
  readonly path: Path;
}

export interface FileContext {
  /** With variables and files in their places. */
  readonly value: unknown;
  /** As it stands there. */
  readonly written: unknown;
  readonly isFromElsewhere: (path: Path) => boolean;
  readonly findings: Findings;
  /** What relative paths begin at. */
  readonly folder: string;
  /** What of the values was set while they are served. */
  readonly patch?: ConfigPatch | undefined;
}

interface Read {
  readonly value: unknown;
  /** Of each value of a list. */
  readonly paths?: readonly Path[];
}

/** `nameOf` is for what is not in it. */
export function fileLayer(fields: readonly Field[], context: FileContext): Layer {
  const read = new Map(
    fields.map((field) => [field.key as string, { ...field, ...readField(field, context) }]),
  );
  return {
    origin: "file",
    values: Object.fromEntries([...read].map(([key, { value }]) => [key, value])),
    nameOf: (key) => nameOfPath(read.get(key)?.path ?? [key]),
    placedAt: (key, index) => {
      const { path = [key], paths = [] } = read.get(key) ?? {};
      return placed(index === undefined ? path : paths[index] ?? path, { key, context });
    },
  };
}

/** What of them was set while they are served, which goes before flags. */
export function runtimeLayer(fields: readonly Field[], context: FileContext): Layer | undefined {
  const { patch, value } = context;
  const set = fields.filter(({ path }) => valueAt(patch, path) !== undefined);
  if (set.length === 0) return undefined;
  return { ...fileLayer(set, { ...context, value: onlyPatched(value, patch) }), origin: "runtime" };
}

function placed(path: Path, { key, context }: { key: string; context: FileContext }): Placed {
  const { findings, written, isFromElsewhere } = context;
  const isEntry = key in RECORDS && typeof path.at(-1) === "string";
  const at = findings.at(path);
  return {
    ...at && { at },
    ...isEntry && { name: nameOfPath(path) },
    // A path is shown as relative as it was written.
    ...(isFromElsewhere(path) || isPath(key)) && { written: valueAt(written, path) },
  };
}

function readField({ key, path }: Field, context: FileContext): Read {
  const value = valueAt(context.value, path);
  if (key in RECORDS && !Array.isArray(value)) return readRecord(value, { key, path }, context);
  const list = findOption(key)?.list;
  if (list !== undefined) return readList(value, { path, isSplit: list === "commas", context });
  return { value: isPath(key) ? readPath(value, { path, context }) : value };
}

/** A number or a truth is what it looks like. */
function readRecord(value: unknown, { key, path }: Field, { findings }: FileContext): Read {
  if (!isTable(value)) {
    findings.problem(path, "expected a table of names with texts", value);
    return { value: [], paths: [] };
  }
  const { between, notInName } = RECORDS[key]!;
  const entries = Object.entries(value).filter(([name, text]) => {
    const isNamed = notInName === undefined || !name.includes(notInName);
    if (!isScalar(text)) findings.problem([...path, name], "expected a text", text);
    else if (!isNamed) findings.problem([...path, name], `expected a name without "${notInName}"`);
    return isScalar(text) && isNamed;
  });
  return {
    value: entries.map(([name, text]) => `${name}${between}${text}`),
    paths: entries.map(([name]) => [...path, name]),
  };
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** One text is a list of one, or of what its commas part. */
function readList(
  value: unknown,
  { path, isSplit, context }: { path: Path; isSplit: boolean; context: FileContext },
): Read {
  if (typeof value === "string") {
    return { value: isSplit ? value.split(",").map((name) => name.trim()) : [value] };
  }
  if (Array.isArray(value)) return { value, paths: value.map((_, index) => [...path, index]) };
  context.findings.problem(path, "expected a list of texts", value);
  return { value: undefined };
}

/** Relative to the file, wherever Keystone is started. */
function readPath(value: unknown, { path, context }: { path: Path; context: FileContext }): unknown {
  if (isTable(value)) {
    context.findings.problem(path, "expected the path itself, as a text");
    return undefined;
  }
  if (typeof value !== "string" || value === "" || isAbsolute(value)) return value;
  return join(context.folder, value);
}
