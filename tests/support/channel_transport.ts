/** A channel as a client of the SDK wants it, without a wire in between; what a transport is to do is the same in both its lines. */
import { setImmediate } from "node:timers";
// @ts-types="@modelcontextprotocol/sdk/shared/transport"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
// @ts-types="@modelcontextprotocol/sdk/types"
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Channel } from "../../src/core/channel.ts";
import { parseMessage } from "../../src/core/message/parse.ts";

export class ChannelTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  start(): Promise<void> {
    this.#channel.incoming.read(
      ({ text, message }) => {
        this.onmessage?.(JSON.parse(text ?? JSON.stringify(message)));
        // One at a time: the SDK looks at an answer at once and at a notification later, and knows its call no more then.
        return new Promise((resolve) => setImmediate(() => resolve()));
      },
      (failure) => {
        if (failure) this.onerror?.(new Error("The channel broke", { cause: failure.error }));
        this.onclose?.();
      },
    );
    return Promise.resolve();
  }

  async send(said: JSONRPCMessage): Promise<void> {
    const text = JSON.stringify(said);
    await this.#channel.send({ message: parseMessage(text), text });
  }

  async close(): Promise<void> {
    await this.#channel[Symbol.asyncDispose]();
  }
}
