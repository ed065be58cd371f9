/** The far end of a channel under test: says things, and reads step by step what comes. */
import type { Channel, Envelope } from "../../src/core/channel.ts";
import type { JsonRpcMessage } from "../../src/core/jsonrpc.ts";
import { Inbox, type Rest } from "../contract/inbox.ts";

export class FarEnd {
  readonly #channel: Channel;
  readonly #inbox: Inbox;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#inbox = new Inbox(channel);
  }

  say(...messages: JsonRpcMessage[]): void {
    for (const message of messages) void this.#channel.send({ message });
  }

  /** The next message with what the wire knows about it. Throws at the end. */
  next(): Promise<Envelope> {
    return this.#inbox.next();
  }

  /** The next message. Throws at the end. */
  async hear(): Promise<JsonRpcMessage> {
    return (await this.next()).message;
  }

  /** Everything up to the end. */
  rest(): Promise<Rest> {
    return this.#inbox.rest();
  }

  /** Says no more, and still listens. */
  async close(): Promise<void> {
    await this.#channel.close();
  }

  /** Is gone at once. */
  async leave(): Promise<void> {
    await this.#channel[Symbol.asyncDispose]();
  }
}

/** Lets everything run that is ready to, so that a test can see what does not happen. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
