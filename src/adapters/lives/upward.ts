/** What the client says: to the server of the moment, or into the line of what waits for one. */
import { asText, type Channel, type Envelope, textOf, undeliveredBy } from "../../core/channel.ts";
import {
  BackendError,
  BusyError,
  DisconnectedError,
  GatewayError,
  serverFailure,
  toRpcError,
} from "../../core/errors.ts";
import { background } from "../../core/events.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import type { ClientRequest } from "./client_requests.ts";
import type { Conversation } from "./conversation.ts";
import { gone } from "./current_server.ts";
import type { WaitingMessage } from "./waiting_line.ts";

export class Upward {
  readonly #conversation: Conversation;

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  say(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (isResponse(message)) return this.#respond(envelope, message);
    return isRequest(message) ? this.#ask(envelope, message) : this.#notify(envelope, message);
  }

  /** Gives a request to the server; where there is none, it waits for one. */
  deliver(request: ClientRequest, server = this.#ready): Promise<void> | void {
    const { requests, names, options: { delivers } } = this.#conversation;
    const { envelope } = request;
    if (!envelope) return;
    if (!server) return this.deliverLater(request, envelope);
    if (!delivers) {
      requests.keep(request, envelope);
      if (requests.full) return this.fail(request.id, tooMuch("The server is too slow"));
    }
    request.sentTo = server;
    names.sent(envelope.message);
    try {
      const sent = server.send(envelope);
      if (delivers) requests.delivered(request);
      return unlessGone(sent);
    } catch (error) {
      return this.#notTaken(request, envelope, { server, error });
    }
  }

  /** Not awaited: time-outs, cancellations and the end must reach the requests that wait for a server. */
  deliverLater(request: ClientRequest, envelope: Envelope): void {
    const { current, requests } = this.#conversation;
    requests.keep(request, envelope);
    if (requests.full) return this.fail(request.id, tooMuch("The server is being started"));
    request.envelope = asText(envelope);
    this.#wait({
      replays: !request.isHandshake,
      go: () => void (requests.waits(request) && this.deliver(request, current.server)),
      fail: (error) => this.fail(request.id, error),
    });
  }

  /** The request is over, and its caller hears why. */
  fail(id: RequestId, error: unknown): void {
    const { requests, memory, news, incoming } = this.#conversation;
    const request = requests.end(id);
    if (!request) return;
    const known = error instanceof GatewayError
      ? error
      : new BackendError("The MCP server failed", { cause: error });
    const message = errorOf(id, toRpcError(known));
    memory.noteAnswer(message);
    const isBusy = known instanceof BusyError;
    const undelivered = request.isHandshake || isBusy ? undeliveredBy(known) : undefined;
    if (isBusy) news.trouble(known.message);
    void incoming.push({ message, relatesTo: id, undelivered });
  }

  /** The server, where nobody waits for it any more who came before. */
  get #ready(): Channel | undefined {
    const { line, current } = this.#conversation;
    return line.busy ? undefined : current.server;
  }

  #ask(envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const { memory, requests, incoming } = this.#conversation;
    const refusal = memory.refusal(message);
    if (refusal) {
      const { id } = message;
      return void incoming.push({ message: errorOf(id, toRpcError(refusal)), relatesTo: id });
    }
    memory.note(envelope);
    return this.deliver(requests.begin(message, envelope));
  }

  #notTaken(
    request: ClientRequest,
    envelope: Envelope,
    { server, error }: { server: Channel; error: unknown },
  ): void {
    const { current, options: { retry } } = this.#conversation;
    request.sentTo = undefined;
    if (!(error instanceof DisconnectedError)) return this.fail(request.id, error);
    // It has ended, and has not been heard to its end: the next one takes the request.
    current.drop(server);
    if (++request.attempts > retry.attempts) return this.fail(request.id, error);
    return this.deliverLater(request, envelope);
  }

  /** To whoever asked and to nobody else, also while a handshake is being played. */
  #respond(envelope: Envelope, { id }: JsonRpcResponse): Promise<void> | void {
    const { current, asked } = this.#conversation;
    return this.#pass(envelope, id === null ? current.server : asked.take(id));
  }

  #notify(envelope: Envelope, message: JsonRpcNotification): Promise<void> | void {
    const { current, memory, requests } = this.#conversation;
    memory.note(envelope);
    const cancelled = cancelledId(message);
    const request = cancelled === undefined ? undefined : requests.end(cancelled);
    // A request that was never sent need not be taken back.
    if (request && !request.sentTo) return;
    const server = request ? current.server : this.#ready;
    if (server) return this.#pass(envelope, server);
    // The server that had the request is gone, and with it the request.
    if (cancelled !== undefined) return;
    this.#notifyLater(asText(envelope));
  }

  /** Not awaited either: what comes after it must not wait for a server. */
  #notifyLater(envelope: Envelope): void {
    const { current, requests, news, options: { delivers } } = this.#conversation;
    const size = textOf(envelope).length;
    if (!requests.hold(size)) return news.lost("too much waits for the server");
    this.#wait({
      replays: true,
      go: () => {
        requests.free(size);
        const taken = this.#pass(envelope, current.server);
        // A child reads one after the other; over HTTP, what comes next may overtake this.
        if (!delivers) return taken;
      },
      fail: (error) => {
        requests.free(size);
        news.lost(serverFailure(error));
      },
    });
  }

  /** Hands over what nobody waits for. */
  #pass(envelope: Envelope, server: Channel | undefined): Promise<void> | void {
    const { names, news } = this.#conversation;
    try {
      if (!server) throw gone();
      names.sent(envelope.message);
      return unlessGone(server.send(envelope));
    } catch (error) {
      if (!(error instanceof DisconnectedError)) throw error;
      news.lost(serverFailure(error));
    }
  }

  #wait(waiter: WaitingMessage): void {
    const { line, options: { emit } } = this.#conversation;
    background(line.add(waiter), "connecting", emit);
  }
}

function tooMuch(why: string): BusyError {
  return new BusyError(`${why}: too much waits for it`);
}

/** A server that ends under a message is heard to its end elsewhere. */
function unlessGone(sent: Promise<void> | void): Promise<void> | void {
  return sent?.catch((error) => {
    if (!(error instanceof DisconnectedError)) throw error;
  });
}
