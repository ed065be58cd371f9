/** The options of a line: what it is about, and when that takes effect. */
import { echoed } from "../base/outside.ts";
import { isWhen, WHEN, type When } from "../overrides/restarts.ts";
import { PromptError, unknownWord } from "./prompt_error.ts";

/** What is left out: all sessions, the only server, and as soon as no request is open. */
export interface Scope {
  /** The id of a session, or its beginning. */
  readonly session?: string;
  readonly server?: string;
  readonly restart?: When;
}

export type ScopeKey = keyof Scope;

export const SCOPE_KEYS: readonly ScopeKey[] = ["session", "server", "restart"];

export function flagOf(key: ScopeKey): string {
  return `--${key}`;
}

/** What the scope says. */
export function scopeKeys(scope: Scope): ScopeKey[] {
  return SCOPE_KEYS.filter((key) => scope[key] !== undefined);
}

interface Scoped {
  readonly scope: Scope;
  /** The words that are no options. */
  readonly rest: readonly string[];
}

/** Options may stand anywhere, as `--key value` and as `--key=value`. Throws PromptError. */
export function scopedIn(words: readonly string[]): Scoped {
  const rest: string[] = [];
  let scope: Scope = {};
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("--")) {
      rest.push(word);
      continue;
    }
    const { flag, joined } = flagIn(word);
    scope = { ...scope, ...valueOf(flag, joined ?? words[++at], scope) };
  }
  return { scope, rest };
}

function flagIn(word: string): { flag: string; joined: string | undefined } {
  const [, flag = word, joined] = /^([^=]+)=([^]*)$/.exec(word) ?? [];
  return { flag, joined };
}

function valueOf(flag: string, value: string | undefined, before: Scope): Scope {
  const key = SCOPE_KEYS.find((known) => flagOf(known) === flag);
  if (!key) throw unknownWord("option", flag, SCOPE_KEYS.map(flagOf));
  if (before[key] !== undefined) throw new PromptError(`${flag}: given twice`);
  if (value === undefined || value === "" || value.startsWith("--")) {
    throw new PromptError(`${flag}: expected ${EXPECTED[key]}`);
  }
  if (key !== "restart") return { [key]: value };
  if (isWhen(value)) return { restart: value };
  throw new PromptError(`${flag} ${echoed(value)}: expected ${EXPECTED.restart}`);
}

const EXPECTED = {
  session: "the id of a session: sessions lists them",
  server: "the name of a server",
  restart: `${WHEN.slice(0, -1).join(", ")} or ${WHEN.at(-1)}`,
} as const satisfies Readonly<Record<ScopeKey, string>>;
