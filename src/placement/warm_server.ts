/** A server that was started ahead, until a session takes it. */
import { InTurn } from "../base/in_turn.ts";
import { around, continued } from "../core/around.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { serverFailure } from "../core/errors.ts";
import type { Lease } from "./lease.ts";

/** How many messages a server may say unasked before it is given up. */
const MAX_AHEAD = 1_000;

export class WarmServer {
  readonly #lease: Lease;
  readonly #channel: Channel;
  readonly #messages: InTurn<Envelope>;
  /** Read ahead, so that its end is known and nothing is lost that it says before it has a client. */
  readonly #ahead: Envelope[] = [];
  readonly #since = performance.now();
  #taken = false;

  constructor(channel: Channel, lease: Lease) {
    this.#lease = lease;
    this.#channel = channel;
    this.#messages = new InTurn(channel.incoming);
  }

  /** Names it in events. */
  get label(): string {
    return this.#lease.owner;
  }

  /** For how long it has been there. */
  get livedMs(): number {
    return performance.now() - this.#since;
  }

  /** Reads while it waits. Settles with why it is of no use any more, or with undefined when it was taken. */
  async readAhead(): Promise<string | undefined> {
    try {
      const full = await this.#messages.seek((envelope) => this.#keep(envelope));
      if (this.#taken) return undefined;
      return full ? "The MCP server talks without end" : "The MCP server closed the connection";
    } catch (error) {
      return serverFailure(error);
    }
  }

  /** The channel for the session, which begins with what was read ahead; the place is the session's then. */
  handTo(session: string): Channel {
    this.#taken = true;
    this.#lease.handTo(session);
    const incoming = continued(this.#ahead, this.#messages);
    return around(this.#channel, { incoming });
  }

  /** For one that nobody takes. */
  async stop(): Promise<void> {
    this.#taken = true;
    await this.#channel[Symbol.asyncDispose]();
  }

  /** True when that is enough; of one that is taken already, the session reads on. */
  #keep(envelope: Envelope): true | undefined {
    this.#ahead.push(envelope);
    return this.#taken || this.#ahead.length >= MAX_AHEAD || undefined;
  }
}
