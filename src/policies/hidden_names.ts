/** Which names are hidden from clients, by patterns: denied is denied, and where something is allowed, nothing else is. */
import { readingsOf, type UriReadings } from "../base/uri_readings.ts";
import type { FilterSettings } from "./options.ts";

/** Templates have the patterns of resources. */
export type Kind = keyof FilterSettings;

/** Whether a name is hidden, for each kind; undefined where nothing of it is. */
export type HiddenNames = Readonly<Record<Kind, ((name: string) => boolean) | undefined>>;

type Patterns = FilterSettings[keyof FilterSettings];

/** Whether there is anything to hide. */
export function isFiltered(settings: FilterSettings): boolean {
  return Object.values(settings).some(hidesSome);
}

/** What is longer than `maxChars` is hidden, too: to match a name takes a time that grows with it. */
export function hiddenNames(
  { tools, prompts, resources }: FilterSettings,
  maxChars: number,
): HiddenNames {
  const hiding = (patterns: Patterns, read: (name: string) => UriReadings) =>
    hidesSome(patterns)
      ? (name: string) => name.length > maxChars || isHidden(read(name), patterns)
      : undefined;
  return {
    tools: hiding(tools, asSpelled),
    prompts: hiding(prompts, asSpelled),
    resources: hiding(resources, readingsOf),
  };
}

function hidesSome({ allow, deny }: Patterns): boolean {
  return allow !== undefined || deny.length > 0;
}

function isHidden({ resolved, bare }: UriReadings, { allow, deny }: Patterns): boolean {
  if ([...resolved.flat(), ...bare].some((text) => fits(text, deny))) return true;
  return allow !== undefined && !resolved.every((texts) => texts.some((text) => fits(text, allow)));
}

function fits(name: string, patterns: Patterns["deny"]): boolean {
  return patterns.some(({ matches }) => matches(name));
}

/** Servers compare names by their letters. */
function asSpelled(name: string): UriReadings {
  return { resolved: [[name]], bare: [] };
}
