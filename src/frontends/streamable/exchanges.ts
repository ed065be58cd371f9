/** The POSTs of one session that are not answered yet, found by the ids of their requests. */
import type { Caller } from "../../core/caller.ts";
import { stillOpen } from "../../core/errors.ts";
import type { JsonRpcMessage, RequestId } from "../../core/message/jsonrpc.ts";
import { Table } from "../../base/table.ts";
import { Exchange, type ExchangeOwner } from "./exchange.ts";
import type { MessageStream } from "./message_stream.ts";
import type { Posted } from "../posted.ts";

export class Exchanges {
  readonly #byId = new Table<RequestId, Exchange>();

  /** Whether the server still owes an answer, whether or not its client waits. */
  get busy(): boolean {
    return this.#byId.size > 0;
  }

  /** Whether a client is known to wait. */
  get awaited(): boolean {
    return this.#byId.values().some(({ awaited }) => awaited);
  }

  /** The one that asks last, of those whose client waits and can be told more than answers. */
  get newest(): Exchange | undefined {
    return this.#byId.values().findLast(({ carriesEvents, awaited }) => carriesEvents && awaited);
  }

  /** Throws RequestError where an id still names an open request. */
  refuseRepeated({ requests }: Posted): void {
    const repeated = requests.find(({ id }) => this.#byId.has(id));
    if (repeated) throw stillOpen(repeated.id);
  }

  /** Begins the exchange of a POST with requests, for the session that has them all. */
  begin({ requests, batch }: Posted, caller: Caller | undefined, session: ExchangeOwner): Exchange {
    const ids = requests.map(({ id }) => id);
    const exchange = new Exchange({ ids, batch, caller }, session);
    for (const id of ids) this.#byId.set(id, exchange);
    return exchange;
  }

  get(id: RequestId): Exchange | undefined {
    return this.#byId.get(id);
  }

  /** The request is answered. */
  answered(id: RequestId): void {
    this.#byId.take(id);
  }

  /** The server owes no answer to a cancelled request, so its POST ends here. */
  cancel(id: RequestId): void {
    this.#byId.take(id)?.cancel(id);
  }

  /** The stream of this name that one of them has begun. */
  streamNamed(name: string): MessageStream | undefined {
    return this.#byId.values().find(({ stream }) => stream?.name === name)?.stream;
  }

  /** Answers what is still open with the same error. */
  fail(error: (id: RequestId) => JsonRpcMessage): void {
    for (const exchange of new Set(this.#byId.values())) exchange.fail(error);
    this.#byId.clear();
  }
}
