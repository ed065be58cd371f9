/** The requests to a remote that wait for their answer: each can be left by itself, and all of them at the end. */
import { otherTypeOf, type RequestId } from "../../core/message/jsonrpc.ts";
import { Table } from "../../base/table.ts";

export class PendingCalls {
  readonly #stops = new Table<RequestId, AbortController>();

  /** Until `end` is called with the signal, which fires when nobody waits for the answer any more. */
  begin(id: RequestId): AbortSignal {
    const stop = new AbortController();
    this.#stops.set(id, stop);
    return stop.signal;
  }

  has(id: RequestId): boolean {
    return this.#stops.has(id);
  }

  /** The id under which a request waits that an answer names in this way; undefined where none does. */
  resolveId(id: RequestId): RequestId | undefined {
    if (this.has(id)) return id;
    const other = otherTypeOf(id);
    return other !== undefined && this.has(other) ? other : undefined;
  }

  end(id: RequestId, signal: AbortSignal): void {
    // Another request may have the id by now.
    if (this.#stops.get(id)?.signal === signal) this.#stops.take(id);
  }

  /** Stops reading the answer of a cancelled request: a server may go on to send, if only comments without end. */
  abort(id: RequestId, reason: Error): void {
    this.#stops.take(id)?.abort(reason);
  }

  abortAll(reason: Error): void {
    const stops = this.#stops.values();
    this.#stops.clear();
    for (const stop of stops) stop.abort(reason);
  }
}
