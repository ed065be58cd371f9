/** Tickets: what a browser puts into a URL, where it can set no header; each opens one thing, soon. */
import { randomBytes } from "node:crypto";
import type { Caller } from "../core/caller.ts";
import { BusyError, RequestError } from "../core/errors.ts";
import type { Denial, Identity } from "./authenticator.ts";

/** From the answer to the use of it a page needs no longer. */
const LIFETIME_MS = 30_000;
/** Of all callers, and of one principal. */
const [MAX_TICKETS, MAX_OF_ONE] = [10_000, 100];
const TICKET_BYTES = 24;

/** Who wants one, and by which credential that is known. */
type Asking = Pick<Caller, "principal" | "scopes"> & { readonly credential?: string | undefined };

interface Issue {
  readonly ticket: string;
  readonly expiresInMs: number;
}

interface Issued {
  readonly identity: Identity;
  /** By `performance.now()`. */
  readonly expiresMs: number;
}

export class Tickets {
  /** The oldest first. */
  readonly #issued = new Map<string, Issued>();
  readonly #counts = new Map<string, number>();

  /** Throws RequestError for who has proved nothing, and BusyError for who has too many that are not used yet. */
  issue({ principal, scopes, credential }: Asking): Issue {
    if (!principal) {
      throw new RequestError("Unauthorized: a ticket is for who has credentials", { status: 401 });
    }
    this.#expire();
    const count = this.#counts.get(principal.name) ?? 0;
    if (count >= MAX_OF_ONE || this.#issued.size >= MAX_TICKETS) {
      throw new BusyError("Too many tickets are not used yet");
    }
    const ticket = randomBytes(TICKET_BYTES).toString("base64url");
    this.#counts.set(principal.name, count + 1);
    this.#issued.set(ticket, {
      identity: { principal, scopes, ...credential !== undefined && { credential } },
      expiresMs: performance.now() + LIFETIME_MS,
    });
    return { ticket, expiresInMs: LIFETIME_MS };
  }

  /** Takes it back: the second time it is unknown. `method` is that of the request which brings it. */
  redeem(ticket: string, method = "GET"): Identity | Denial {
    // It is for what a browser opens without headers: an event stream or a socket.
    if (method !== "GET") return { why: "meant for something else" };
    this.#expire();
    const issued = this.#issued.get(ticket);
    if (!issued) return { why: "unknown" };
    this.#forget(ticket, issued);
    const { identity } = issued;
    return identity.principal.holds?.() === false ? { why: "revoked" } : identity;
  }

  #expire(): void {
    for (const [ticket, issued] of this.#issued) {
      if (issued.expiresMs > performance.now()) return;
      this.#forget(ticket, issued);
    }
  }

  #forget(ticket: string, { identity: { principal: { name } } }: Issued): void {
    this.#issued.delete(ticket);
    const left = (this.#counts.get(name) ?? 1) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}

/** Also where none belongs: who brings one does not come with nothing. */
export function ticketIn({ url }: Request): string | undefined {
  if (!url.includes("ticket=")) return undefined;
  return URL.parse(url)?.searchParams.get("ticket") ?? undefined;
}
