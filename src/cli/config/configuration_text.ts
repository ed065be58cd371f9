/** A configuration as TOML, with the source of each value behind it. */
import type { EffectiveConfiguration, Sourced } from "../../config/commands.ts";

interface Line {
  readonly text: string;
  readonly source?: string;
}

export function configurationText({ sections, servers }: EffectiveConfiguration): string {
  const lines = [
    ...Object.entries(sections).flatMap(([name, values]) => tableLines([name], values)),
    ...Object.entries(servers).flatMap(([name, values]) => tableLines(["servers", name], values)),
  ];
  const width = Math.max(...lines.map(({ text, source }) => source === undefined ? 0 : text.length));
  return lines.map(({ text, source }) => source === undefined ? text : `${text.padEnd(width)}  # ${source}`)
    .join("\n").trimStart() + "\n";
}

/** A record is a table of its own, since each entry has its own source; TOML wants it behind all else. */
function tableLines(path: readonly string[], values: Readonly<Record<string, Sourced>>): Line[] {
  const entries = Object.entries(values);
  return [
    ...headingLines(path),
    ...entries.filter(([, { sources }]) => !sources).map(([name, { value, source }]) =>
      lineOf(name, value, source)
    ),
    ...entries.flatMap(([name, { value, sources }]) =>
      sources ? recordLines([...path, name], value, sources) : []
    ),
  ];
}

function recordLines(
  path: readonly string[],
  value: unknown,
  sources: Readonly<Record<string, string>>,
): Line[] {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [...headingLines(path), ...entries.map(([name, item]) => lineOf(name, item, sources[name] ?? ""))];
}

function headingLines(path: readonly string[]): Line[] {
  return [{ text: "" }, { text: `[${path.map(keyText).join(".")}]` }];
}

function lineOf(name: string, value: unknown, source: string): Line {
  return { text: `${keyText(name)} = ${valueText(value)}`, source };
}

function keyText(key: string): string {
  return /^[\w-]+$/.test(key) ? key : quoted(key);
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return String(value);
  const pairs = Object.entries(value).map(([key, item]) => `${keyText(key)} = ${valueText(item)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

/** A text of JSON is one of TOML but for this character. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}
