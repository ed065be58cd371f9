/** A client of the SDK's second line at a channel of ours, without a wire in between. */
import { setImmediate } from "node:timers";
import type { Channel } from "../../src/core/channel.ts";
import { parseMessage } from "../../src/core/message/parse.ts";
import type { v2 } from "./clients.ts";

export class ChannelTransport implements v2.Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: v2.Transport["onmessage"];
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  start(): Promise<void> {
    this.#channel.incoming.read(
      ({ message, text }) => {
        // As text, which is what a wire would bring.
        this.onmessage?.(JSON.parse(text ?? JSON.stringify(message)));
        // The client forgets who wants progress with an answer that comes in the same turn.
        return new Promise((resolve) => setImmediate(() => resolve()));
      },
      () => this.onclose?.(),
    );
    return Promise.resolve();
  }

  async send(message: v2.JSONRPCMessage): Promise<void> {
    const text = JSON.stringify(message);
    await this.#channel.send({ message: parseMessage(text), text });
  }

  async close(): Promise<void> {
    await this.#channel[Symbol.asyncDispose]();
  }
}
