/**
 * Questions of a server of which it is not clear yet which of several calls they belong to. A call that ends cannot have
 * asked, and one that begins later cannot either: so it becomes clear when all but one have ended.
 */
import { type Ticket, TimeLimit } from "../../base/time_limit.ts";
import type { Envelope } from "../../core/channel.ts";
import type { JsonRpcRequest, RequestId } from "../../core/message/jsonrpc.ts";
import { Left, type Withdrawer } from "./withdrawn_requests.ts";

/** Servers give a client about a minute to answer, and who is asked needs some of that. */
const HOLD_MS = 10_000;

interface Question {
  readonly envelope: Envelope;
  readonly message: JsonRpcRequest;
}

interface Held {
  readonly question: Question;
  readonly candidates: Set<Withdrawer>;
}

/** Undefined is nobody: it has not become clear, or all who might have been meant are gone. */
type Decided = (question: Question, client: Withdrawer | undefined) => void;

export class UnclearQuestions {
  readonly #decided: Decided;
  readonly #held = new Map<RequestId, Ticket<Held>>();
  readonly #limit = new TimeLimit<Held>(HOLD_MS, (held) => this.#decide(held, undefined));

  constructor(decided: Decided) {
    this.#decided = decided;
  }

  has(id: RequestId): boolean {
    return this.#held.has(id);
  }

  hold(question: Question, candidates: ReadonlySet<Withdrawer>): void {
    for (const client of candidates) if (!(client instanceof Left)) client.onSuspected?.();
    const held = { question, candidates: new Set(candidates) };
    this.#held.set(question.message.id, this.#limit.add(held));
  }

  /** This client is meant by none of them or, where it has left before the server knew, it is as one who has left. */
  without(client: Withdrawer, left?: Left): void {
    // Asked for each answer of the server, and mostly nothing is held.
    if (this.#held.size === 0) return;
    for (const { entry } of [...this.#held.values()]) {
      if (!entry.candidates.delete(client)) continue;
      if (left) entry.candidates.add(left);
      if (entry.candidates.size > 1) continue;
      const [only] = entry.candidates;
      this.#decide(entry, only);
    }
  }

  /** The server wants no answer any more; false where nothing of this id is held. */
  take(id: RequestId): boolean {
    const ticket = this.#held.get(id);
    if (!ticket) return false;
    this.#forget(id, ticket);
    return true;
  }

  #decide(held: Held, client: Withdrawer | undefined): void {
    const { id } = held.question.message;
    const ticket = this.#held.get(id);
    if (ticket) this.#forget(id, ticket);
    this.#decided(held.question, client);
  }

  #forget(id: RequestId, ticket: Ticket<Held>): void {
    this.#held.delete(id);
    this.#limit.delete(ticket);
    this.#limit.rest();
  }
}
