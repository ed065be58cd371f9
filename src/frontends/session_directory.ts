/**
 * The sessions of a wire, found by the id that clients name. It is here that a cluster will look further for a session
 * that lives on another of its gateways.
 */
import type { Peer, Principal } from "../core/backend.ts";
import type { Caller } from "../core/caller.ts";
import { Table } from "../base/table.ts";
import { RequestError, RpcCode } from "../core/errors.ts";

/** A session as others find it. */
export interface NamedSession {
  readonly id: string;
  /** Its principal is whose session it is. */
  readonly peer: Peer;
}

export class SessionDirectory<S extends NamedSession> {
  readonly #sessions = new Table<string, S>();

  get size(): number {
    return this.#sessions.size;
  }

  add(session: S): void {
    this.#sessions.set(session.id, session);
  }

  /** From now on it is unknown. Idempotent, and no matter of another one that has its id by now. */
  delete(session: Pick<NamedSession, "id">): void {
    if (this.#sessions.get(session.id) === session) this.#sessions.take(session.id);
  }

  /** Whoever's it is. */
  has(id: string): boolean {
    return this.#sessions.has(id);
  }

  /** Undefined for an id that is unknown, and for the session of another principal: the two cannot be told apart. */
  find(id: string, caller: Caller): S | undefined {
    const session = this.#sessions.get(id);
    if (!session || !isSame(session.peer.principal, caller.principal)) return undefined;
    // Its owner may come with another credential by now, as after a rotation: what counts is the one used last.
    session.peer.principal = caller.principal;
    return session;
  }

  /** As `find`; throws RequestError 404 where that finds nothing. */
  require(id: string, caller: Caller): S {
    const session = this.find(id, caller);
    if (session) return session;
    throw new RequestError("Session not found", { status: 404, code: RpcCode.sessionNotFound });
  }
}

/** Each request has a principal of its own making, so the names count. */
function isSame(owner: Principal | undefined, caller: Principal | undefined): boolean {
  return owner?.name === caller?.name;
}
