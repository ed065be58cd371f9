/** The environment of a child: what it inherits, what is configured, and what is changed for this one. */
import type { NamedChanges } from "../../core/backend.ts";

interface ChildEnvironment {
  readonly env: Record<string, string>;
  /** Whether it inherits nothing beyond that. */
  readonly clearEnv?: true;
}

interface Surroundings {
  /** What a child inherits. */
  readonly inherited: () => Readonly<Record<string, string>>;
  readonly os: typeof Deno.build.os;
}

const HERE: Surroundings = { inherited: () => Deno.env.toObject(), os: Deno.build.os };

/** As `Deno.Command` takes it. */
export function childEnvironment(
  configured: Readonly<Record<string, string>>,
  changes: NamedChanges,
  { inherited, os }: Surroundings = HERE,
): ChildEnvironment {
  const all = Object.entries({ ...configured, ...changes });
  const set = all.filter(isSet);
  if (set.length === all.length) return { env: Object.fromEntries(set) };
  // A child cannot be without a variable of ours unless it inherits none.
  const same = (name: string) => os === "windows" ? name.toUpperCase() : name;
  const unset = new Set(all.filter((entry) => !isSet(entry)).map(([name]) => same(name)));
  const left = [...Object.entries(inherited()), ...set].filter(([name]) => !unset.has(same(name)));
  return { env: Object.fromEntries(left), clearEnv: true };
}

function isSet(entry: [string, string | null]): entry is [string, string] {
  return entry[1] !== null;
}
