/** What a line of the prompt can ask for. */
import type { Scope } from "./scope.ts";

/** As `parseOverride` takes it. */
export type Change = Readonly<Record<string, unknown>>;

export type PromptCommand =
  | { readonly kind: "change"; readonly change: Change; readonly scope: Scope }
  | { readonly kind: "ask"; readonly secret: Secret; readonly scope: Scope }
  | { readonly kind: ScopedKind; readonly scope: Scope }
  | { readonly kind: PlainKind | "nothing" };

export type ScopedKind = "clear" | "show" | "sessions" | "restart" | "end";
export type PlainKind = "config" | "reload" | "help" | "quit";

/** What is asked for, and not shown while it is typed. */
export type Secret =
  | { readonly field: "bearer" }
  | { readonly field: "env" | "headers"; readonly name: string };
