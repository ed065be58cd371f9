/** Values of options together with where they come from. */
import { flagName, type OptionNames } from "../base/option_name.ts";
import { findOption, optionEntries, type OptionKey, type RawOptions } from "./options.ts";

/** Where a value was given; "default" is what is taken where nobody gave one. */
export type Origin = "default" | "file" | "environment" | "flag" | "runtime";

/** Where in a file something stands, as editors count. */
export interface FilePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What one source gives. */
export interface Layer {
  readonly origin: Exclude<Origin, "default">;
  /** As it is written there; undefined is not given. */
  readonly values: RawOptions;
  /** How an option is called there. */
  readonly nameOf: OptionNames;
  /** What is known of a value, or of one in its list, in a file. */
  readonly placedAt?: (key: string, index?: number) => Placed;
}

export interface Placed {
  /** Undefined for what was set while it is served. */
  readonly at?: FilePosition;
  /** Of an entry in a record. */
  readonly name?: string | undefined;
  /** What is to be shown in its place, since it came from a variable or from a file of its own. */
  readonly written?: unknown;
}

/** One value, or one in a list, by the layer that gives it. */
export interface Given extends Partial<Placed> {
  readonly layer: Layer;
  /** In the list of that layer. */
  readonly index: number;
}

/** The values of all layers, each of the last one that gives it. */
export interface Layered {
  readonly raw: RawOptions;
  readonly origins: ReadonlyMap<OptionKey, Origin>;
  /** As where it was given; what nobody has given by default as on the command line. */
  readonly nameOf: OptionNames;
  /** Undefined for what nobody has given. */
  readonly givenBy: (key: string, index?: number) => Given | undefined;
}

interface Part {
  readonly layer: Layer;
  readonly value: unknown;
}

/** Lists of names with values: a later layer adds to them, and its values win by their names. */
const MERGED: ReadonlySet<string> = new Set<OptionKey>(["env", "header"]);

export function layered(layers: readonly Layer[], nameByDefault: OptionNames = flagName): Layered {
  const parts = new Map(optionEntries().map(([key]) => [key as string, partsOf(key, layers)]));
  const lastOf = (key: string) => parts.get(key)?.at(-1)?.layer;
  const keys = optionEntries().map(([key]) => key);
  return {
    raw: Object.fromEntries(keys.map((key) => [key, valueOf(parts.get(key) ?? [])])),
    origins: new Map(keys.map((key) => [key, lastOf(key)?.origin ?? "default"])),
    nameOf: (key) => (lastOf(key)?.nameOf ?? nameByDefault)(key),
    givenBy: (key, index) => givenBy(key, parts.get(key) ?? [], index),
  };
}

/** Those that count. */
function partsOf(key: OptionKey, layers: readonly Layer[]): Part[] {
  const parts = layers.map((layer) => ({ layer, value: layer.values[key] }))
    .filter(({ value }) => value !== undefined);
  return MERGED.has(key) && parts.every(({ value }) => Array.isArray(value)) ? parts : parts.slice(-1);
}

function valueOf(parts: readonly Part[]): unknown {
  return parts.length > 1 ? parts.flatMap(({ value }) => value) : parts[0]?.value;
}

function givenBy(key: string, parts: readonly Part[], index?: number): Given | undefined {
  let own = index ?? 0;
  for (const { layer, value } of parts) {
    const length = parts.length > 1 && Array.isArray(value) ? value.length : Infinity;
    if (own < length) {
      return { layer, index: own, ...layer.placedAt?.(key, index === undefined ? index : own) };
    }
    own -= length;
  }
  return undefined;
}

/** Where a value comes from, as its user would look for it. */
export function sourceOf(given: Given | undefined, key: string): string {
  if (given === undefined) return "default";
  if (isByRuntime(given)) return "runtime";
  return given.at ? `${given.at.file}:${given.at.line}` : given.layer.nameOf(key);
}

/** Layers of a file have what was put into it, too. */
function isByRuntime({ layer, at }: Given): boolean {
  return layer.origin === "runtime" || (layer.origin === "file" && at === undefined);
}

/** A value as it may be shown: nothing of a secret, and of what came from elsewhere what was written. */
export function shownValue(
  { raw, givenBy }: Layered,
  key: string,
  index?: number,
): { readonly value: unknown } | undefined {
  if (findOption(key)?.secret) return undefined;
  const list = raw[key as OptionKey];
  const given = givenBy(key, index);
  if (given && "written" in given) return { value: given.written };
  return { value: Array.isArray(list) && index !== undefined ? list[index] : list };
}
