/** A word by which something is set by its name: `env`, `header`. */
import type { PromptCommand } from "./command.ts";
import { ALL_OPTIONS, type Entry } from "./entry.ts";
import { PromptError, shownName, unknownWord } from "./prompt_error.ts";
import type { Scope } from "./scope.ts";

interface Named extends Pick<Entry, "word" | "usage"> {
  readonly field: "env" | "headers";
  /** How a pair is written. */
  readonly form: string;
  /** Name and value. */
  readonly pair: RegExp;
}

const NEXT = ["set", "unset"] as const;

export function namedEntry(named: Named): Entry {
  const { word, usage, field, form } = named;
  return {
    ...{ word, usage, next: NEXT, options: ALL_OPTIONS },
    read({ words: [verb, ...given], scope }) {
      if (verb === undefined) throw new PromptError(`${word}: expected set ${form}, or unset K`);
      if (verb === "set") return setIn(given, scope, named);
      if (verb !== "unset") throw unknownWord(`word behind ${word}`, verb, NEXT);
      if (given.length === 0) throw new PromptError(`${word} unset: expected a name`);
      return changeOf(field, Object.fromEntries(given.map((name) => [name, null])), scope);
    },
  };
}

function setIn(given: readonly string[], scope: Scope, named: Named): PromptCommand {
  const { word, field, form, pair } = named;
  const [first, ...others] = given;
  if (first === undefined) {
    throw new PromptError(`${word} set: expected ${form}, or K to be asked for its value`);
  }
  const asks = others.length === 0 && !pair.test(first);
  if (asks) return { kind: "ask", secret: { field, name: first }, scope };
  return changeOf(field, Object.fromEntries(pairsIn(given, named)), scope);
}

function pairsIn(given: readonly string[], { word, form, pair }: Named): [string, string][] {
  const pairs = given.map((text): [string, string] => {
    const [, name, value] = pair.exec(text) ?? [];
    // It may be a secret, so it is not said again.
    if (name === undefined || value === undefined) {
      throw new PromptError(`${word} set: expected ${form} each time`);
    }
    return [name.trim(), value];
  });
  const twice = pairs.find(([name], at) => pairs.findIndex(([other]) => other === name) < at);
  if (twice) throw new PromptError(`${word} set: ${shownName(twice[0])} is given twice`);
  return pairs;
}

function changeOf(field: string, value: unknown, scope: Scope): PromptCommand {
  return { kind: "change", change: { [field]: value }, scope };
}
