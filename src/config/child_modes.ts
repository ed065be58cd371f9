/** What `--children` means for the clients that may come. */
import type { ResolvedConfig } from "./resolve.ts";

/** As in `Peer`: a conversation, or a call that stands alone. */
type Scope = "session" | "request";
export type ChildMode = Exclude<ResolvedConfig["children"], "auto">;

/** Which child answers a client of this scope. */
export function childMode({ children }: Pick<ResolvedConfig, "children">, scope: Scope): ChildMode {
  if (children === "auto") return scope === "session" ? "session" : "principal";
  // What belongs to no session brings no handshake either.
  return children === "session" ? scope : children;
}

/** Of the clients that may come, calls first. */
export function scopesServed(
  { transports, stateful }: Pick<ResolvedConfig, "transports" | "stateful">,
): Scope[] {
  const stateless = transports.includes("streamableHttp") && !stateful;
  return [
    ...stateless ? ["request" as const] : [],
    ...stateless && transports.length === 1 ? [] : ["session" as const],
  ];
}
