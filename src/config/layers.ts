/** Values of options together with where they come from. */
import { flagName, type OptionNames } from "../base/option_name.ts";
import type { OptionKey, RawOptions } from "./options.ts";
import { optionEntries } from "./options.ts";

/** Where a value was given; "default" is what is taken where nobody gave one. */
export type Origin = "default" | "file" | "environment" | "flag" | "runtime";

/** What one source gives. */
export interface Layer {
  readonly origin: Exclude<Origin, "default">;
  /** As it is written there; undefined is not given. */
  readonly values: RawOptions;
  /** How an option is called there. */
  readonly nameOf: OptionNames;
}

/** The values of all layers, each of the last one that gives it. */
export interface Layered {
  readonly raw: RawOptions;
  readonly origins: ReadonlyMap<OptionKey, Origin>;
  /** As where it was given; what nobody has given is called as on the command line. */
  readonly nameOf: OptionNames;
}

export function layered(layers: readonly Layer[]): Layered {
  const giver = new Map<string, Layer>();
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer.values)) if (value !== undefined) giver.set(key, layer);
  }
  const keys = optionEntries().map(([key]) => key);
  return {
    raw: Object.fromEntries(keys.map((key) => [key, giver.get(key)?.values[key]])),
    origins: new Map(keys.map((key) => [key, giver.get(key)?.origin ?? "default"])),
    nameOf: (key) => (giver.get(key)?.nameOf ?? flagName)(key),
  };
}
