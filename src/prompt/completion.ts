/** What may stand where a line ends, for Tab. */
import { WHEN } from "../overrides/restarts.ts";
import { flagOf, SCOPE_KEYS, type ScopeKey } from "./scope.ts";
import { VOCABULARY } from "./vocabulary.ts";

/** What there is at the moment. */
export interface Known {
  readonly sessions: readonly string[];
  readonly servers: readonly string[];
}

/** What fits, and the beginning that it stands for, as readline wants it. */
export function completionOf(line: string, known: Known): [fits: string[], beginning: string] {
  const words = line.trimStart().split(/\s+/);
  const beginning = words.at(-1) ?? "";
  const fits = candidates(words.slice(0, -1), known).filter((word) => word.startsWith(beginning));
  return [fits.map((word) => `${word} `), beginning];
}

function candidates(before: readonly string[], { sessions, servers }: Known): readonly string[] {
  if (before.includes("--")) return [];
  switch (before.at(-1)) {
    case "--session":
      return sessions;
    case "--server":
      return servers;
    case "--restart":
      return WHEN;
    default:
      return wordsBehind(before);
  }
}

function wordsBehind(before: readonly string[]): readonly string[] {
  const said = before.filter((word, at) => !isOption(word) && !isOption(before[at - 1]));
  const [first] = said;
  if (first === undefined) return [...VOCABULARY.keys(), ...unsaid(SCOPE_KEYS, before)];
  const entry = VOCABULARY.get(first);
  if (!entry) return [];
  return [...said.length === 1 ? entry.next : [], ...unsaid(entry.options, before)];
}

function isOption(word: string | undefined): boolean {
  return SCOPE_KEYS.some((key) => flagOf(key) === word);
}

function unsaid(keys: readonly ScopeKey[], before: readonly string[]): string[] {
  return keys.map(flagOf).filter((flag) => !before.includes(flag));
}
