/** A client's end of one session, message by message: for what an SDK client would not send or would not show. */
import { inTime as within } from "../contract/deadline.ts";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { Keystone } from "./keystone.ts";
import { type AnyMessage, beginSession, initialize, messagesOf, post } from "./rpc.ts";

/** Disposal is the client's own end of the session, in the way of its wire. */
export interface Conversation extends AsyncDisposable {
  /** Puts a message on the wire, or text as it is. */
  send(message: unknown): Promise<void>;
  /** The server's next message. Rejects when the conversation is over. */
  next(): Promise<AnyMessage>;
  /** What the server says up to the answer to this id, which is the last. */
  until(id: unknown): Promise<AnyMessage[]>;
  /** Settles when the gateway ends the conversation. */
  readonly ended: Promise<unknown>;
}

interface SseConversation extends Conversation {
  /** Where messages are posted to. */
  readonly endpoint: string;
}

export interface SocketConversation extends Conversation {
  readonly socket: WebSocket;
  readonly ended: Promise<CloseEvent>;
}

/** Opens one conversation and leads it through the handshake, whose id is 0. */
export type Begin<C extends Conversation = Conversation> = (
  gateway: Keystone,
  capabilities?: unknown,
  /** Of each request: who the client is, say. */
  headers?: Record<string, string>,
) => Promise<C>;

export const beginSse: Begin<SseConversation> = async (gateway, capabilities, headers) =>
  await handshake(await openSse(gateway, headers), capabilities);

export const beginSocket: Begin<SocketConversation> = async (gateway, capabilities, headers = {}) =>
  await handshake(await openSocket(gateway, { headers }), capabilities);

async function handshake<C extends Conversation>(conversation: C, capabilities: unknown = {}): Promise<C> {
  await conversation.send(initialize(0, "2025-11-25", capabilities));
  await conversation.until(0);
  await conversation.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  return conversation;
}

/**
 * Streamable HTTP with a GET stream, for a gateway with --replyMode sse: once such an answer begins, its request is on
 * its way to the server. Disposal is DELETE.
 */
export const beginStreamable: Begin = async ({ mcp }, capabilities, own = {}) => {
  const received = new Received();
  const session = await beginSession(mcp, capabilities, own);
  const headers = { "Mcp-Session-Id": session, ...own };
  const standing = new Events(await fetch(mcp, { headers: { ...headers, Accept: "text/event-stream" } }));
  const answers: Promise<void>[] = [];
  return {
    ...received.methods(),
    // What is open is answered when the stream ends, each on a POST of its own.
    ended: received.addEvents(standing).then(() => Promise.all(answers)).finally(() => received.end()),
    async send(message) {
      const response = await post(mcp, message, { session, headers: own });
      if (isRequest(message)) answers.push(received.addAll(response));
      else await response.body?.cancel();
    },
    async [Symbol.asyncDispose]() {
      await (await fetch(mcp, { method: "DELETE", headers })).body?.cancel();
      await standing.cancel();
      await Promise.all(answers);
    },
  };
};

function isRequest(message: unknown): boolean {
  return typeof message === "object" && message !== null && "method" in message && "id" in message;
}

/** Disposal breaks off the event stream. */
export async function openSse(
  { sse }: Pick<Keystone, "sse">,
  headers: Record<string, string> = {},
): Promise<SseConversation> {
  const received = new Received();
  const response = await fetch(sse, { headers: { Accept: "text/event-stream", ...headers } });
  if (!response.ok) throw new Error(`No event stream: ${response.status} ${await response.text()}`);
  const events = new Events(response);
  const endpoint = new URL((await events.next())?.data ?? "", sse).href;
  return {
    ...received.methods(),
    ended: received.addEvents(events).finally(() => received.end()),
    endpoint,
    async send(message) {
      await (await post(endpoint, message, { headers })).body?.cancel();
    },
    [Symbol.asyncDispose]: () => events.cancel(),
  };
}

interface EventsOptions {
  /** Gives the events without data as well, which only say from where the stream can be resumed. */
  readonly priming?: boolean;
}

/** An event stream, event by event; it can be broken off while it is being read. */
export class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #parsed: EventSourceMessage[] = [];
  readonly #parser = createParser({
    onEvent: (event) => this.#take(event),
    onRetry: (ms) => void (this.retryMs = ms),
  });
  readonly #priming: boolean;
  /** How long to wait before coming back, as the server says. */
  retryMs: number | undefined;

  constructor({ body }: Response, { priming = false }: EventsOptions = {}) {
    this.#reader = body!.getReader();
    this.#priming = priming;
  }

  /** Undefined at the end of the stream. */
  async next(): Promise<EventSourceMessage | undefined> {
    while (this.#parsed.length === 0) {
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#parser.feed(this.#decoder.decode(value, { stream: true }));
    }
    return this.#parsed.shift();
  }

  /** The events up to the end of the stream. */
  async rest(): Promise<EventSourceMessage[]> {
    const events: EventSourceMessage[] = [];
    for (let event = await this.next(); event; event = await this.next()) events.push(event);
    return events;
  }

  /** The client leaves. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  #take(event: EventSourceMessage): void {
    if (event.data !== "" || this.#priming) this.#parsed.push(event);
  }
}

function refusalOf(event: Event): string {
  return `The socket was refused: ${event instanceof ErrorEvent ? event.message : event.type}`;
}

/** Disposal closes the socket. */
export async function openSocket(
  { ws }: Pick<Keystone, "ws">,
  options: WebSocketOptions = {},
): Promise<SocketConversation> {
  const received = new Received();
  const socket = new WebSocket(ws, options);
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<CloseEvent>();
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("error", (event) => opened.reject(new Error(refusalOf(event))));
  socket.addEventListener("message", ({ data }) => received.add(JSON.parse(data)));
  socket.addEventListener("close", (event) => {
    received.end();
    closed.resolve(event);
  });
  await opened.promise;
  return {
    ...received.methods(),
    socket,
    ended: closed.promise,
    send(message) {
      socket.send(typeof message === "string" ? message : JSON.stringify(message));
      return Promise.resolve();
    },
    async [Symbol.asyncDispose]() {
      if (socket.readyState < WebSocket.CLOSING) socket.close();
      await closed.promise;
    },
  };
}

/** Messages in the order of their arrival. */
class Received {
  readonly #messages: AnyMessage[] = [];
  #changed = Promise.withResolvers<void>();
  #over = false;

  add(message: AnyMessage): void {
    this.#messages.push(message);
    this.#tell();
  }

  end(): void {
    this.#over = true;
    this.#tell();
  }

  /** Settles at the end of the stream. */
  async addEvents(events: Events): Promise<void> {
    for (let event = await events.next(); event; event = await events.next()) {
      this.add(JSON.parse(event.data));
    }
  }

  async addAll(response: Response): Promise<void> {
    for await (const message of messagesOf(response)) this.add(message);
  }

  methods() {
    const next = () => inTime(this.#next(), "message");
    const until = async (id: unknown) => {
      const messages: AnyMessage[] = [];
      while (messages.at(-1)?.id !== id || messages.at(-1)?.method !== undefined) messages.push(await next());
      return messages;
    };
    return { next, until };
  }

  async #next(): Promise<AnyMessage> {
    while (this.#messages.length === 0) {
      if (this.#over) throw new Error("The conversation is over");
      await this.#changed.promise;
    }
    return this.#messages.shift();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** Rejects when the promise does not settle: a test that waits for ever would not tell for what. */
export async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  return await within(promise, `The ${what}`);
}
