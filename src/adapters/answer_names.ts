/** Whose answer it is that does not name its request as it was asked: servers change the type of an id, or leave it out. */
import type { Backend } from "../core/backend.ts";
import { around, heard } from "../core/around.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import type { Sink } from "../core/events.ts";
import { cancelledId, isInitialized, isLasting } from "../core/mcp/messages.ts";
import {
  isId,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcResponse,
  otherTypeOf,
  type RequestId,
} from "../core/message/jsonrpc.ts";
import { Table } from "../base/table.ts";
import { withAnswerId } from "../wire/answer_id.ts";

interface AnswerNamesOptions {
  /** Whether several clients speak to this server, none of whom may have another's request answered. */
  readonly shared: boolean;
  /** Names whom it answers in events, and the server. */
  readonly session: string;
  readonly server: string;
  readonly emit: Sink;
}

/** What the server has not answered. */
type OpenRequests = Pick<Table<RequestId, { readonly id: RequestId }>, "has" | "sole">;

export class AnswerNames {
  readonly #options: AnswerNamesOptions;
  /**
   * One of several clients has said what is answered with no id if it is answered at all: an error without an id may be
   * for that. Until the first request that was sent after it is answered: by then the server has read it.
   */
  #loose = false;
  #after: RequestId | undefined;

  constructor(options: AnswerNamesOptions) {
    this.#options = options;
  }

  /** Sees what the server is sent. */
  sent(message: JsonRpcMessage): void {
    if (!this.#options.shared) return;
    if (isRequest(message)) {
      if (this.#loose) this.#after ??= message.id;
    } else if (!isInitialized(message)) {
      this.#loose = true;
      this.#after = undefined;
    }
  }

  /** The answer under the id of its request, as far as it is certain which one that is. */
  underRequestId(envelope: Envelope, message: JsonRpcResponse, openRequests: OpenRequests): Envelope {
    const { id } = message;
    if (!isId(id)) return this.#ofSole(envelope, message, openRequests);
    if (openRequests.has(id)) return this.#settled(id, envelope);
    const other = otherTypeOf(id);
    if (other === undefined || !openRequests.has(other)) return envelope;
    const { session, server, emit } = this.#options;
    const reason = `it answers under ids of another type than it was asked with (${typeof other})`;
    emit({ type: "server.odd", session, server, reason });
    return this.#settled(other, withAnswerId(envelope, message, other));
  }

  #ofSole(envelope: Envelope, message: JsonRpcResponse, openRequests: OpenRequests): Envelope {
    const sole = "error" in message && !this.#loose ? openRequests.sole() : undefined;
    if (!sole) return envelope;
    return this.#settled(sole.id, withAnswerId(envelope, message, sole.id));
  }

  #settled(id: RequestId, envelope: Envelope): Envelope {
    if (this.#after === id) {
      this.#loose = false;
      this.#after = undefined;
    }
    return envelope;
  }
}

interface NamingOptions extends Pick<AnswerNamesOptions, "shared" | "emit"> {
  /** Whether the server may cancel a request of its client: a stream of 2026-07-28, which it need not answer then. */
  readonly endsStreams?: boolean;
}

/** For servers who may name a request otherwise than they were asked it. */
export function withAnswerNames(
  backend: Backend,
  { shared, endsStreams = false, emit }: NamingOptions,
): Backend {
  return {
    name: backend.name,
    async open(launch, signal) {
      const { session } = launch;
      const names = new AnswerNames({ shared, session, server: backend.name, emit });
      return channelWithNames(await backend.open(launch, signal), names, endsStreams);
    },
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

interface Open {
  readonly id: RequestId;
  /** It is a stream, which its server may end as if it took it back. */
  readonly lasts: boolean;
}

/** A server may have changed the type of the id. */
function endStream(openRequests: Table<RequestId, Open>, id: RequestId | undefined): void {
  if (id === undefined) return;
  for (const spelled of [id, otherTypeOf(id)]) {
    if (spelled !== undefined && openRequests.get(spelled)?.lasts) openRequests.take(spelled);
  }
}

function channelWithNames(channel: Channel, names: AnswerNames, endsStreams: boolean): Channel {
  const openRequests = new Table<RequestId, Open>();
  function hear(said: Envelope): Envelope {
    const { message } = said;
    if (!isResponse(message)) {
      if (endsStreams) endStream(openRequests, cancelledId(message));
      return said;
    }
    const envelope = names.underRequestId(said, message, openRequests);
    if ("id" in envelope.message && isId(envelope.message.id)) openRequests.take(envelope.message.id);
    return envelope;
  }
  return around(channel, {
    incoming: heard(channel.incoming, { hear }),
    send(envelope) {
      const { message } = envelope;
      names.sent(message);
      if (isRequest(message)) openRequests.set(message.id, { id: message.id, lasts: isLasting(message) });
      const cancelled = cancelledId(message);
      if (cancelled !== undefined) openRequests.take(cancelled);
      return channel.send(envelope);
    },
  });
}
