/** Whether two records of settings say the same, whatever objects they are made of. */
export function sameSettings(one: unknown, other: unknown): boolean {
  return textOf(one) === textOf(other);
}

function textOf(settings: unknown): string {
  return JSON.stringify(settings, (_, value) => ordered(value));
}

/** In one order, and what JSON has no form for as a text. */
function ordered(value: unknown): unknown {
  if (value instanceof RegExp || typeof value === "bigint") return `${value}`;
  if (typeof value === "number" && !Number.isFinite(value)) return `${value}`;
  if (value instanceof Map || value instanceof Set) return [...value];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1));
}
