/** Values in parsed JSON by the keys that lead to them. */
import { isObject } from "./jsonrpc.ts";

export type Path = readonly string[];

export function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce((value, key) => isObject(value) ? value[key] : undefined, tree);
}

/** Leaves a tree as it is in which the path leads to no object. */
export function putAt(tree: unknown, path: Path, value: unknown): void {
  const holder = valueAt(tree, path.slice(0, -1));
  const key = path.at(-1);
  if (isObject(holder) && key !== undefined) Reflect.set(holder, key, value);
}
