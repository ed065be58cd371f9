/** One server and the clients who share it, whatever they say to one another: they join, leave, and hear of its end. */
import { each, type Readable } from "../../base/readable.ts";
import { around } from "../../core/around.ts";
import type { BufferLimits, Channel, Envelope } from "../../core/channel.ts";
import { DisconnectedError, GatewayError } from "../../core/errors.ts";
import type { Members } from "./members.ts";
import type { ServerEnd, ServerEndOptions } from "./server_end.ts";
import { type ClientKind, type JoinedServer, SharedClient } from "./shared_client.ts";

/** The limits are those of what waits for one client, before it is given up; not of what waits for the server. */
export interface ServerForManyOptions extends ServerEndOptions, BufferLimits {
  /** What the server says: its own `incoming`, or what is left of that. */
  readonly incoming: Readable<Envelope>;
}

/** What is said between a server and the clients who share it, in the words of one era. */
export interface SharedConversation extends JoinedServer {
  readonly members: Members;
  readonly server: ServerEnd;
  /** Takes what the server says; waits for no client. */
  hear(envelope: Envelope): void;
}

/** What waits for whom the server itself waits is bounded by that. */
const UNLIMITED: BufferLimits = { maxBufferedMessages: Infinity, maxBufferedBytes: Infinity };

export class ServerForMany implements AsyncDisposable {
  /** Settles with the reason when the server is gone; every client channel has got its end by then. */
  readonly ended: Promise<Error>;
  readonly #options: ServerForManyOptions;
  readonly #conversation: SharedConversation;
  /** The client that it is for, where it is for one alone. */
  #sole: SharedClient | undefined;
  #over = false;

  constructor(options: ServerForManyOptions, conversation: SharedConversation) {
    this.#options = options;
    this.#conversation = conversation;
    this.ended = this.#pump();
  }

  /** What the server is spoken to by. */
  get channel(): Channel {
    return this.#options.server;
  }

  /** Milliseconds since the last client left; undefined while there is one. */
  get idleMs(): number | undefined {
    return this.#conversation.members.idleMs;
  }

  /** A channel of one client's own. Throws DisconnectedError when the server is gone. */
  join(kind: ClientKind, party?: string): Channel {
    return this.#join(new SharedClient(kind, this.#options, this.#conversation, party));
  }

  /** As `join`, for a client that is the only one for ever: if it is slow, the server has to wait, and nobody else. */
  joinAlone(kind: ClientKind): Channel {
    return this.#join(this.#sole = new SharedClient(kind, UNLIMITED, this.#conversation));
  }

  /** Stops the server in good order: a remote is told that its session is over. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { server } = this.#options;
    await server.close();
    await server[Symbol.asyncDispose]();
  }

  #join(client: SharedClient): SharedClient {
    if (this.#over) throw new DisconnectedError("The MCP server is gone");
    this.#conversation.members.add(client);
    return client;
  }

  async #pump(): Promise<Error> {
    const conversation = this.#conversation;
    let reason: GatewayError = new DisconnectedError("The MCP server is gone");
    try {
      await each(this.#options.incoming, (envelope) => {
        conversation.hear(envelope);
        return this.#sole?.incoming.room();
      });
    } catch (error) {
      if (error instanceof GatewayError) reason = error;
      else conversation.server.fault(error);
    }
    this.#over = true;
    conversation.members.failAll(reason);
    return reason;
  }
}

/** The channel of the one client that has the server, which ends with it. */
export function soleClientOf(server: ServerForMany, kind: ClientKind): Channel {
  const client = server.joinAlone(kind);
  return around(client, {
    async dispose() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  });
}
