/** A word that a line may begin with. */
import type { PromptCommand } from "./command.ts";
import type { Scope, ScopeKey } from "./scope.ts";

/** What stands behind the word. */
export interface Given {
  readonly words: readonly string[];
  /** Behind `--`. */
  readonly behind: readonly string[] | undefined;
  readonly scope: Scope;
}

export interface Entry {
  readonly word: string;
  /** Each way to go on, and what it does. */
  readonly usage: readonly (readonly [line: string, does: string])[];
  /** The words that may come next. */
  readonly next: readonly string[];
  readonly options: readonly ScopeKey[];
  /** Throws PromptError. */
  readonly read: (given: Given) => PromptCommand;
}

export const ALL_OPTIONS: readonly ScopeKey[] = ["session", "server", "restart"];
