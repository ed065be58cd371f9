/** `${NAME}` and `${NAME:-default}` in headers and variables on a command line: clients that start Keystone without a shell write them so. */
import { expandBraces } from "./file/expansion.ts";
import type { Layer } from "./layers.ts";

const PAIRS = ["env", "header"] as const;

interface Expanded {
  readonly layer: Layer;
  readonly warnings: readonly string[];
}

/** What is not set stays as it is, since a server may mean it so; a warning tells of it. */
export function expandPairs(layer: Layer, variables: Readonly<Record<string, string>>): Expanded {
  const warnings: string[] = [];
  const expanded = PAIRS.flatMap((key) => {
    const list = layer.values[key];
    if (!Array.isArray(list)) return [];
    const unset = (name: string) =>
      warnings.push(
        `${layer.nameOf(key)}: \${${name}} stays as it is, since the variable ${name} is not set`,
      );
    return [[key, list.map((text) => expandBraces(String(text), { variables, unset }))]];
  });
  return { layer: { ...layer, values: { ...layer.values, ...Object.fromEntries(expanded) } }, warnings };
}
