/** Times and sizes without a unit that are too small to be meant: `--requestTimeout 30` is thirty milliseconds. */
import type { Layered } from "./layers.ts";
import { optionEntries } from "./options.ts";

interface Unit {
  readonly name: string;
  /** From then on a bare number is what supergateway's users write. */
  readonly enough: number;
  readonly instead: (digits: string) => string;
}

const UNITS: Readonly<Record<string, Unit>> = {
  "<time>": {
    name: "milliseconds",
    enough: 1_000,
    instead: (digits) => `write ${digits}s for seconds, or ${digits}ms`,
  },
  "<size>": {
    name: "bytes",
    enough: 1_024,
    instead: (digits) => `write ${digits}m for megabytes, or ${digits}k`,
  },
};

/** One warning for each. */
export function doubtfulUnits({ raw, nameOf }: Layered): string[] {
  return optionEntries().flatMap(([key, { value = "" }]) => {
    const unit = UNITS[value];
    const digits = String(raw[key] ?? "");
    if (!unit || !/^\d+$/.test(digits) || Number(digits) === 0 || Number(digits) >= unit.enough) return [];
    return [`${nameOf(key)} "${digits}" is ${digits} ${unit.name}: ${unit.instead(digits)}`];
  });
}
