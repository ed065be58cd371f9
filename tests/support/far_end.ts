/** The far end of a channel under test: says things, and reads step by step what comes. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { Channel, Envelope } from "../../src/core/channel.ts";
import {
  isRequest,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type RequestId,
} from "../../src/core/message/jsonrpc.ts";
import { Inbox, type Rest } from "../contract/inbox.ts";

/** The real one: a test may have put a clock of its own in its place. */
const { setTimeout } = globalThis;

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

  /** Says it with what a wire knows of it, its text for instance. */
  sayEnvelope(envelope: Envelope): void {
    void this.#channel.send(envelope);
  }

  /** Says it on behalf of this request, as a wire that knows it. */
  sayFor(relatesTo: RequestId, message: JsonRpcMessage): void {
    void this.#channel.send({ message, relatesTo });
  }

  /** The next message with what the wire knows about it. Throws at the end. */
  next(): Promise<Envelope> {
    return this.#inbox.next();
  }

  /** The next message. Throws at the end. */
  async hear(): Promise<JsonRpcMessage> {
    return (await this.next()).message;
  }

  /** The next message, which must be a request. */
  async hearRequest(): Promise<JsonRpcRequest> {
    const message = await this.hear();
    assert(isRequest(message), JSON.stringify(message));
    return message;
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

/**
 * Lets everything run that is ready to, so that a test can see what does not happen. Timers and immediates take turns in
 * an order that depends on how long each turn takes, and what one sets off may wait for the other: hence some rounds.
 */
export async function settled(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await new Promise<void>((resolve) => setTimeout(resolve));
    await new Promise<void>((resolve) => setImmediate(() => resolve()));
  }
}
