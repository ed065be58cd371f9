/** What the option `children` means for the clients that may come. */
import type { ServerConfig } from "./config.ts";

/** As in `Peer`: a conversation, or a call that stands alone. */
type Scope = "session" | "request";
export type ChildMode = Exclude<ServerConfig["children"], "auto">;

/** Which child answers a client of this scope. */
export function childMode({ children }: Pick<ServerConfig, "children">, scope: Scope): ChildMode {
  if (children === "auto") return scope === "session" ? "session" : "principal";
  // What belongs to no session brings no handshake either.
  return children === "session" ? scope : children;
}

/** Of the clients that may come, calls first. */
export function scopesServed(
  { transports, stateful }: Pick<ServerConfig, "transports" | "stateful">,
): Scope[] {
  const stateless = transports.includes("streamableHttp") && !stateful;
  return [
    ...stateless ? ["request" as const] : [],
    ...stateless && transports.length === 1 ? [] : ["session" as const],
  ];
}
