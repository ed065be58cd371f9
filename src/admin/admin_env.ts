/** What handlers of the admin endpoint find beside a request. */
import type { Context, Env, Hono, MiddlewareHandler } from "hono";
import type { Caller } from "../core/caller.ts";

export interface AdminEnv extends Env {
  readonly Bindings: { readonly caller: Caller };
  readonly Variables: {
    /** For the log: what the call has brought about. Never with a secret in it. */
    changed?: string;
  };
}

/** What may be mounted, as `new Hono<AdminEnv>()` makes it. */
export type AdminRoutes = Hono<AdminEnv>;
export type AdminContext = Context<AdminEnv>;
export type AdminHandler = MiddlewareHandler<AdminEnv>;
