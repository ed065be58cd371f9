/**
 * What is open at a modern server: the requests of its client, and those that a translator asks by itself. They share one
 * channel, so all of them are asked under ids that are counted here.
 */
import { Table } from "../../../base/table.ts";
import type { Envelope } from "../../../core/channel.ts";
import { isId, type JsonRpcResponse, otherTypeOf, type RequestId } from "../../../core/message/jsonrpc.ts";
import type { TwoEnds } from "./two_ends.ts";

/** Whoever waits for an answer; it comes as the server has said it, under the id that it was asked with. */
export interface Asker {
  hearAnswer(envelope: Envelope, message: JsonRpcResponse): Promise<void> | void;
}

class OpenRequest {
  readonly id: number;
  readonly asker: Asker;

  constructor(id: number, asker: Asker) {
    this.id = id;
    this.asker = asker;
  }
}

export class UpstreamRequests {
  readonly #ends: TwoEnds;
  readonly #open = new Table<number, OpenRequest>();
  #lastId = 0;

  constructor(ends: TwoEnds) {
    this.#ends = ends;
  }

  /** The id under which it is to be asked. */
  enter(asker: Asker): number {
    const id = ++this.#lastId;
    this.#open.set(id, new OpenRequest(id, asker));
    return id;
  }

  /** Waits for no answer any more; false where none was waited for. */
  forget(id: number): boolean {
    return this.#open.take(id) !== undefined;
  }

  /** Who has asked what is open under this id. */
  askerOf(id: RequestId): Asker | undefined {
    return this.#find(id)?.asker;
  }

  hear(envelope: Envelope, message: JsonRpcResponse): Promise<void> | void {
    const open = this.#answeredBy(message);
    if (!open) return this.#dropAnswer(message.id);
    this.#open.take(open.id);
    return open.asker.hearAnswer(envelope, message);
  }

  /** An error need not name its request where one alone can be meant. */
  #answeredBy(message: JsonRpcResponse): OpenRequest | undefined {
    if (isId(message.id)) return this.#find(message.id);
    return "error" in message ? this.#open.sole() : undefined;
  }

  /** Also where the server has changed its type. */
  #find(id: RequestId): OpenRequest | undefined {
    const own = typeof id === "number" ? id : otherTypeOf(id);
    return typeof own === "number" ? this.#open.get(own) : undefined;
  }

  /** A cancellation and an answer may cross. */
  #dropAnswer(id: RequestId | null): void {
    const wasOpen = typeof id === "number" && id >= 1 && id <= this.#lastId;
    this.#ends.drop("down", "it answers no request that is open", wasOpen ? { harmless: true } : undefined);
  }
}
