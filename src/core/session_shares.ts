/** How many sessions each caller may have: a principal, or where nobody is known, an address. */
import { networkOf } from "../base/ip_address.ts";
import { optionName } from "../base/option_name.ts";
import type { Peer } from "./backend.ts";
import { Semaphore } from "./semaphore.ts";

interface SessionSharesOptions {
  /** Of each. */
  readonly places: number;
  readonly queueTimeoutMs: number;
  /** Frees a place among the sessions of which this is true, if that can be done without harm. */
  readonly makeRoom: (isOwn: (session: string) => boolean) => void;
}

/** What one caller has. */
interface Share {
  readonly places: Semaphore;
  readonly sessions: Set<string>;
}

export class SessionShares {
  readonly #options: SessionSharesOptions;
  /** Of those who have a session, or wait for one. */
  readonly #shares = new Map<string, Share>();
  #closed: Error | undefined;

  constructor(options: SessionSharesOptions) {
    this.#options = options;
  }

  /** Takes a place among those of the peer's owner, as `acquire` of Semaphore; for who has no address there is no limit. */
  acquire(peer: Peer, leaving?: () => AbortSignal): Promise<void> | void {
    const owner = ownerOf(peer);
    if (owner === undefined) return;
    const share = this.#shares.get(owner) ?? this.#begin(owner);
    const wait = share.places.acquire(leaving);
    if (!wait) return void share.sessions.add(peer.session);
    return wait.then(() => void share.sessions.add(peer.session)).finally(() => this.#tidy(owner, share));
  }

  /** Gives a place back that was taken. */
  release(peer: Peer): void {
    const owner = ownerOf(peer);
    const share = owner === undefined ? undefined : this.#shares.get(owner);
    if (owner === undefined || !share?.sessions.delete(peer.session)) return;
    share.places.release();
    this.#tidy(owner, share);
  }

  /** Rejects all who wait, and all who would have to wait later, with this error. */
  close(error: Error): void {
    this.#closed = error;
    for (const { places } of this.#shares.values()) places.close(error);
  }

  #begin(owner: string): Share {
    const { places, queueTimeoutMs, makeRoom } = this.#options;
    const sessions = new Set<string>();
    const what = `sessions of one caller (${optionName("maxSessionsPerPrincipal")})`;
    const isOwn = (session: string) => sessions.has(session);
    const share = {
      places: new Semaphore({ places, queueTimeoutMs, what, makeRoom: () => makeRoom(isOwn) }),
      sessions,
    };
    if (this.#closed) share.places.close(this.#closed);
    this.#shares.set(owner, share);
    return share;
  }

  #tidy(owner: string, { places }: Share): void {
    if (places.taken === 0 && !places.crowded) this.#shares.delete(owner);
  }
}

/** No address has a slash in it, and each principal's name has. */
function ownerOf({ principal, address }: Peer): string | undefined {
  return principal?.name ?? (address === undefined ? undefined : networkOf(address));
}
