/** From a line of the prompt to what it asks for; nothing is done here. */
import type { PromptCommand } from "./command.ts";
import { PromptError, unknownWord } from "./prompt_error.ts";
import { flagOf, type Scope, scopedIn, scopeKeys } from "./scope.ts";
import type { Entry } from "./entry.ts";
import { VOCABULARY } from "./vocabulary.ts";
import { wordsOf } from "./words.ts";

/** Throws PromptError. */
export function parseCommand(line: string): PromptCommand {
  const all = wordsOf(line);
  if (all.length === 0) return { kind: "nothing" };
  const { front, behind } = partsOf(all);
  const { scope, rest: [word, ...words] } = scopedIn(front);
  const entry = entryOf(word);
  refuseOptions(entry, scope);
  if (behind && !entry.next.includes("--")) {
    throw new PromptError(`${entry.word}: expected nothing behind --`);
  }
  return entry.read({ words, behind, scope });
}

interface Parts {
  readonly front: readonly string[];
  /** Behind the first `--`, where there is one: what looks like an option is none there. */
  readonly behind: readonly string[] | undefined;
}

function partsOf(words: readonly string[]): Parts {
  const dashes = words.indexOf("--");
  if (dashes < 0) return { front: words, behind: undefined };
  return { front: words.slice(0, dashes), behind: words.slice(dashes + 1) };
}

function entryOf(word: string | undefined): Entry {
  if (word === undefined) throw new PromptError("Expected a command: help tells which there are");
  const entry = VOCABULARY.get(word);
  if (entry) return entry;
  throw unknownWord("command", word, [...VOCABULARY.keys()]);
}

function refuseOptions({ word, options }: Entry, scope: Scope): void {
  const refused = scopeKeys(scope).find((key) => !options.includes(key));
  if (refused !== undefined) throw new PromptError(`${word}: has no option ${flagOf(refused)}`);
}
