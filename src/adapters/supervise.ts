/**
 * A server that comes back: when its connection breaks, it is opened again, the client's handshake, subscriptions and
 * log level are played again, and what had never reached it is sent again. A request that may have reached it is not:
 * its caller gets an error that says so. How, is in lives/.
 */
import type { Readable } from "../base/readable.ts";
import type { Backend, Launch, LaunchSettings } from "../core/backend.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { background } from "../core/events.ts";
import { Conversation, type SuperviseOptions } from "./lives/conversation.ts";
import { gone } from "./lives/current_server.ts";
import { Downward } from "./lives/downward.ts";
import { Lives } from "./lives/lives.ts";
import { Upward } from "./lives/upward.ts";

export type { SuperviseOptions };

/** A conversation that goes on when its server is opened in another way. */
export interface SupervisedChannel extends Channel {
  /**
   * Ends the server in good order and opens it with other settings, told what the last one knew. What was in its hands is
   * answered with the loss. Settles when the new one is there; rejects with why it is not, and the conversation goes on.
   */
  reopen(settings: LaunchSettings): Promise<void>;
}

export interface SupervisedBackend extends Backend {
  /** Settles at once; the server is opened with the first message, and again whenever it must be. */
  open(launch: Launch, signal: AbortSignal): Promise<SupervisedChannel>;
}

/** Whether the conversation on this channel goes on when its server is opened in another way. */
export function isSupervised(channel: Channel | undefined): channel is SupervisedChannel {
  return channel instanceof ClientEnd;
}

export function supervise(backend: Backend, options: SuperviseOptions): SupervisedBackend {
  return {
    name: backend.name,
    open: (launch) => Promise.resolve(new ClientEnd(backend, launch, options)),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

class ClientEnd implements SupervisedChannel {
  readonly incoming: Readable<Envelope>;
  readonly #conversation: Conversation;
  readonly #upward: Upward;
  readonly #lives: Lives;

  constructor(backend: Backend, launch: Launch, options: SuperviseOptions) {
    const conversation = this.#conversation = new Conversation(backend, launch, options);
    this.incoming = conversation.incoming;
    this.#upward = new Upward(conversation);
    this.#lives = new Lives(conversation, launch, new Downward(conversation, this.#upward));
    background(this.#lives.run(), "lives of a server", options.emit);
  }

  send(envelope: Envelope): Promise<void> | void {
    const { current, incoming } = this.#conversation;
    if (current.closed || incoming.ended) throw gone();
    return this.#upward.say(envelope);
  }

  close(reason?: Error): Promise<void> {
    return this.#conversation.current.close(reason);
  }

  reopen(settings: LaunchSettings): Promise<void> {
    return this.#lives.reopen(settings);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#conversation.end(gone());
    await this.#lives.dispose();
  }
}
