/** What the prompt needs of the gateway. */
import type { Runtime } from "../overrides/runtime.ts";

export interface PromptTarget {
  /** What may be done to each server, by its name. */
  readonly runtimes: () => ReadonlyMap<string, Runtime>;
  /** Each value that counts, with its source and without secrets: lines for who reads them. */
  readonly config: () => Promise<string>;
  /** Undefined where there is no file that could be read anew. Does not reject for one that is wrong. */
  readonly reload?: (() => Promise<ReloadOutcome>) | undefined;
  /** Asks for an orderly stop, and does not wait for it. */
  readonly stop: (reason: string) => void;
}

export type ReloadOutcome =
  | { readonly kind: "refused"; readonly problems: readonly string[] }
  | { readonly kind: "applied" } & Changes;

/** Names of servers, and in `later` of sections, too. */
type Changes = Readonly<Record<"added" | "changed" | "removed" | "later", readonly string[]>>;
