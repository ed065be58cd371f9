/** The server that many clients share, as what they share of it speaks to it. */
import type { Channel, Envelope } from "../../core/channel.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Direction, Sink } from "../../core/events.ts";
import type { JsonRpcMessage } from "../../core/message/jsonrpc.ts";

export interface ServerEndOptions {
  readonly server: Channel;
  /** Names the shared server in events. */
  readonly session: string;
  readonly emit: Sink;
}

export class ServerEnd {
  readonly #options: ServerEndOptions;

  constructor(options: ServerEndOptions) {
    this.#options = options;
  }

  /** Passes on what a client says. Throws as the server's channel does. */
  send(envelope: Envelope): Promise<void> | void {
    return this.#options.server.send(envelope);
  }

  /** Says something of our own; a server that is gone need not hear it, since its end is told to everybody. */
  say(message: JsonRpcMessage, text?: string): Promise<void> | void {
    const failed = (error: unknown): void => {
      if (!(error instanceof GatewayError)) this.fault(error);
    };
    try {
      return this.#options.server.send({ message, text })?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  fault(error: unknown): void {
    this.#options.emit({ type: "fault", where: "shared server", error });
  }

  drop(direction: Direction, reason: string, more: { readonly harmless?: true } = {}): void {
    const { session, emit } = this.#options;
    emit({ type: "message.dropped", session, direction, reason, ...more });
  }
}
