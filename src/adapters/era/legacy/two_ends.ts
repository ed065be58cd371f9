/** The two ends of a conversation between a legacy client and a modern server, and what observers hear of it. */
import { Queue } from "../../../base/queue.ts";
import type { Channel, Envelope } from "../../../core/channel.ts";
import { DisconnectedError } from "../../../core/errors.ts";
import type { Direction, Sink } from "../../../core/events.ts";

interface TwoEndsOptions {
  /** Name the conversation and its server in events. */
  readonly session: string;
  readonly name: string;
  readonly emit: Sink;
}

export class TwoEnds {
  /** What the client hears. */
  readonly incoming = new Queue<Envelope>();
  readonly #server: Channel;
  readonly #options: TwoEndsOptions;

  constructor(server: Channel, options: TwoEndsOptions) {
    this.#server = server;
    this.#options = options;
  }

  toClient(envelope: Envelope): Promise<void> | void {
    return this.incoming.push(envelope, envelope.text?.length);
  }

  toServer(envelope: Envelope): Promise<void> | void {
    return this.#server.send(envelope);
  }

  /** Says what nobody waits for. That the server is gone is told to whoever reads what it says. */
  tellServer(envelope: Envelope): void {
    try {
      this.#server.send(envelope)?.catch((error) => this.#ignoreGone(error));
    } catch (error) {
      this.#ignoreGone(error);
    }
  }

  drop(direction: Direction, reason: string, more?: { readonly harmless: true }): void {
    this.#options.emit({
      type: "message.dropped",
      session: this.#options.session,
      direction,
      reason,
      ...more,
    });
  }

  /** The server does not keep to the protocol. */
  odd(reason: string): void {
    const { session, name: server, emit } = this.#options;
    emit({ type: "server.odd", session, server, reason });
  }

  trouble(reason: string, pauseMs?: number): void {
    const { session, name: server, emit } = this.#options;
    emit({ type: "server.trouble", session, server, reason, ...pauseMs !== undefined && { pauseMs } });
  }

  #ignoreGone(error: unknown): void {
    if (error instanceof DisconnectedError) return;
    this.#options.emit({ type: "fault", where: "a request of a translator", error });
  }
}
