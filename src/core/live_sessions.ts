/** The sessions that live: what they wait for, since when nobody uses them, and which of them can make room. */
import { Chain, type LinkTo, linkTo } from "../base/chain.ts";
import { DisconnectedError, type GatewayError } from "./errors.ts";
import type { OpenCall } from "./session/open_request.ts";
import type { Session } from "./session/session.ts";

interface LiveSessionsOptions {
  /** From which idle time on a session may be ended to make room. */
  readonly evictAfterMs: number;
}

interface Running {
  readonly session: Session;
  /** Settles when it has ended and everything is freed. */
  readonly ended: Promise<void>;
  /** When it began, by `performance.now()`; not of a call that stands alone, which would cost it time. */
  readonly since: number;
}

/** A session, and when it began by `performance.now()`. */
export type LiveSession = Pick<Running, "session" | "since">;

export class LiveSessions {
  readonly #running = new Chain<LinkTo<Running>>();
  readonly #evictAfterMs: number;
  #idleSince = performance.now();

  constructor({ evictAfterMs }: LiveSessionsOptions) {
    this.#evictAfterMs = evictAfterMs;
  }

  /** Runs a session; settles when it has ended and everything is freed. */
  run(session: Session): Promise<void> {
    const ended = session.run().then(() => {
      this.#running.remove(running);
      if (this.#running.size === 0) this.#idleSince = performance.now();
    });
    const since = session.peer.scope === "session" ? performance.now() : 0;
    const running = linkTo({ session, ended, since });
    this.#running.add(running);
    return ended;
  }

  /** Since when, by `performance.now()`, nobody has been connected: undefined while a request, a stream or a socket is open. */
  get idleSince(): number | undefined {
    let shortest = Infinity;
    for (let running = this.#running.first; running; running = running.next) {
      const idleMs = idleMsOf(running.value.session);
      if (idleMs < 0) return undefined;
      shortest = Math.min(shortest, idleMs);
    }
    return Math.max(this.#idleSince, performance.now() - shortest);
  }

  /** All that have not ended, calls that stand alone included. */
  all(): LiveSession[] {
    return this.#running.all().map(({ value }) => value).filter(({ session }) => !session.over);
  }

  /** Every request of a client that waits for its answer, oldest first. */
  openCalls(): OpenCall[] {
    const calls = this.#all().flatMap(({ openCalls }) => openCalls);
    return calls.sort((one, other) => other.ageMs - one.ageMs);
  }

  /** Ends the session that has been idle for longest, of those that matter, if that is long enough; false when there is none. */
  evictIdle(matters: (session: string) => boolean = () => true): boolean {
    let longest: Session | undefined;
    let longestMs = this.#evictAfterMs;
    for (let running = this.#running.first; running; running = running.next) {
      const { session } = running.value;
      const idleMs = idleMsOf(session);
      // Of two that are equal, the older one.
      const isLonger = longest ? idleMs > longestMs : idleMs >= longestMs;
      if (!isLonger || session.over || !matters(session.peer.session)) continue;
      longest = session;
      longestMs = idleMs;
    }
    longest?.end(new DisconnectedError("The session was idle, and had to make room"));
    return longest !== undefined;
  }

  /** Tells once of each request that has been open for so long. */
  tellSlow(ms: number): void {
    for (let running = this.#running.first; running; running = running.next) {
      running.value.session.tellSlow(ms);
    }
  }

  /** Ends those of principals whose proof does not count any more: they hold what no request would be let in to. */
  endLapsed(): void {
    for (let running = this.#running.first; running; running = running.next) {
      const { session } = running.value;
      if (session.peer.principal?.holds?.() === false && !session.over) {
        session.end(new DisconnectedError("The credentials of the session do not count any more"));
      }
    }
  }

  /** Settles when no request of a client is open. */
  async drained(): Promise<void> {
    await Promise.all(this.#all().map((session) => session.drained()));
  }

  /** Ends all of them; settles when everything is freed. */
  async endAll(error: GatewayError): Promise<void> {
    for (const session of this.#all()) session.end(error);
    await Promise.all(this.#running.all().map(({ value }) => value.ended));
  }

  #all(): Session[] {
    return this.#running.all().map(({ value }) => value.session);
  }
}

/** -1 for a session that is in use. */
function idleMsOf({ openRequests, peer }: Session): number {
  return openRequests > 0 ? -1 : peer.idleMs?.() ?? -1;
}
