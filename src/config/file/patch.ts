/** What is set of a configuration while it is served: shaped as a configuration file, and over all else. */
import type { Document, Path } from "../document/document.ts";
import { isTable } from "./values_at.ts";

/** Without null, which takes a value back. */
export type ConfigPatch = Readonly<Record<string, unknown>>;

/**
 * As RFC 7386 has it: null takes back, tables go into tables, all else takes the place. A table from which
 * all is taken goes, too; one that was given empty stays, to be judged as any.
 */
export function changedPatch(patch: ConfigPatch, change: ConfigPatch): ConfigPatch {
  const both = Object.keys({ ...patch, ...change }).map((key): [string, unknown] => [
    key,
    Object.hasOwn(change, key) ? changedValue(own(patch, key), change[key]) : patch[key],
  ]);
  return Object.fromEntries(both.filter(([, value]) => value !== undefined));
}

function own(patch: ConfigPatch, key: string): unknown {
  return Object.hasOwn(patch, key) ? patch[key] : undefined;
}

function changedValue(value: unknown, change: unknown): unknown {
  if (change === null) return undefined;
  if (!isTable(change)) return change;
  const table = changedPatch(isTable(value) ? value : {}, change);
  const isEmptied = Object.keys(table).length === 0 && Object.keys(change).length > 0;
  return isEmptied ? undefined : table;
}

/** The names of what a change sets or takes back, and none of its values. */
export function pathsIn(change: unknown, path: Path = []): Path[] {
  if (!isTable(change)) return [path];
  return Object.entries(change).flatMap(([key, value]) => pathsIn(value, [...path, key]));
}

/** The value with the patch in it. */
export function patched(value: unknown, patch: unknown): unknown {
  if (!isTable(value) || !isTable(patch)) return patch;
  const own = Object.entries(patch).map(([key, part]) =>
    [key, Object.hasOwn(value, key) ? patched(value[key], part) : part] as const
  );
  return { ...value, ...Object.fromEntries(own) };
}

/** Of a value, what the patch has put there. */
export function onlyPatched(value: unknown, patch: unknown): unknown {
  if (!isTable(value) || !isTable(patch)) return value;
  const keys = Object.keys(patch).filter((key) => Object.hasOwn(value, key));
  return Object.fromEntries(keys.map((key) => [key, onlyPatched(value[key], patch[key])]));
}

/** Whether the patch, and no line of the document, says what stands there. */
export function isByPatch(path: Path, patch: unknown, { value }: Document): boolean {
  let [inside, before]: unknown[] = [patch, value];
  for (const step of path) {
    if (!isTable(inside)) return true;
    if (!Object.hasOwn(inside, step)) return false;
    inside = inside[step];
    before = isTable(before) && Object.hasOwn(before, step) ? before[step] : undefined;
  }
  return !isTable(inside) || before === undefined;
}
