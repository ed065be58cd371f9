/** Reads a channel step by step. */
import type { Channel, Envelope } from "../../src/core/channel.ts";
import type { JsonRpcMessage } from "../../src/core/message/jsonrpc.ts";
import { pulled } from "../support/pulled.ts";

/** What came until the end, and the error that was the end, if it was one. */
export interface Rest {
  readonly messages: JsonRpcMessage[];
  readonly error: unknown;
}

export class Inbox {
  readonly #iterator: AsyncIterator<Envelope>;

  constructor({ incoming }: Pick<Channel, "incoming">) {
    this.#iterator = pulled(incoming);
  }

  /** Throws when the channel ends instead. */
  async next(): Promise<Envelope> {
    const { value, done } = await this.#iterator.next();
    if (done) throw new Error("The channel ended where a message was expected");
    return value;
  }

  async take(count: number): Promise<JsonRpcMessage[]> {
    const messages: JsonRpcMessage[] = [];
    while (messages.length < count) messages.push((await this.next()).message);
    return messages;
  }

  /** Reads to the end; an error is given and not thrown. */
  async rest(): Promise<Rest> {
    const messages: JsonRpcMessage[] = [];
    try {
      while (true) {
        const { value, done } = await this.#iterator.next();
        if (done) return { messages, error: undefined };
        messages.push(value.message);
      }
    } catch (error) {
      return { messages, error };
    }
  }
}
