/** One server and the clients who share it: each message reaches whom it is for, and nobody else. */
import type { BufferLimits, Channel, Envelope } from "../../core/channel.ts";
import { DisconnectedError, GatewayError } from "../../core/errors.ts";
import { each, type Readable } from "../../base/readable.ts";
import type { SubscriptionLimits } from "../subscription_limits.ts";
import { ClientMessages } from "./client_messages.ts";
import type { ServerEndOptions } from "./server_end.ts";
import { ServerMessages } from "./server_messages.ts";
import { type ClientKind, type JoinedServer, SharedClient } from "./shared_client.ts";
import { SharedParts } from "./shared_parts.ts";

/** The limits are those of what waits for one client, before it is given up; not of what waits for the server. */
export interface SharedServerOptions extends ServerEndOptions, BufferLimits, SubscriptionLimits {
  /** What the server says: its own `incoming`, or what a handshake has left of that. */
  readonly incoming: Readable<Envelope>;
  /** The revisions that a client may be told. */
  readonly versions: readonly string[];
}

export class SharedServer implements AsyncDisposable {
  /** Settles with the reason when the server is gone; every client channel has got its end by then. */
  readonly ended: Promise<Error>;
  readonly #options: SharedServerOptions;
  readonly #parts: SharedParts;
  readonly #down: ServerMessages;
  readonly #forClients: JoinedServer;
  #over = false;

  constructor(options: SharedServerOptions) {
    this.#options = options;
    const parts = this.#parts = new SharedParts(options);
    const up = new ClientMessages(parts, options.versions);
    this.#down = new ServerMessages(parts);
    this.#forClients = {
      send: (client, envelope) => up.hear(client, envelope),
      leave: (client) => parts.leave(client),
    };
    this.ended = this.#pump();
  }

  /** What the server is spoken to by. */
  get channel(): Channel {
    return this.#options.server;
  }

  /** Milliseconds since the last client left; undefined while there is one. */
  get idleMs(): number | undefined {
    return this.#parts.members.idleMs;
  }

  /** A channel of one client's own. Throws DisconnectedError when the server is gone. */
  join(kind: ClientKind, party?: string): Channel {
    if (this.#over) throw new DisconnectedError("The MCP server is gone");
    const client = new SharedClient(kind, this.#options, this.#forClients, party);
    this.#parts.members.add(client);
    return client;
  }

  /** Stops the server in good order: a remote is told that its session is over. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { server } = this.#options;
    await server.close();
    await server[Symbol.asyncDispose]();
  }

  async #pump(): Promise<Error> {
    let reason: GatewayError = new DisconnectedError("The MCP server is gone");
    try {
      await each(this.#options.incoming, (envelope) => this.#down.hear(envelope));
    } catch (error) {
      if (error instanceof GatewayError) reason = error;
      else this.#parts.server.fault(error);
    }
    this.#over = true;
    this.#parts.members.failAll(reason);
    return reason;
  }
}
