/** What stands where in a value that was read. */
import type { Path } from "../document/document.ts";

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inside, step) => isTable(inside) || Array.isArray(inside) ? get(inside, step) : undefined,
    value,
  );
}

function get(inside: object, step: string | number): unknown {
  return Object.getOwnPropertyDescriptor(inside, step)?.value;
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
