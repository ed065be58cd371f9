/** MCP's HTTP+SSE transport of 2024-11-05: one GET stream down, POSTs up. */
import type { Accept } from "../core/backend.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { DisconnectedError, LimitError, RequestError, RpcCode } from "../core/errors.ts";
import { Queue } from "../core/queue.ts";
import { encodeEvent, encodeMessage } from "../wire/sse.ts";
import { EventStream } from "./event_stream.ts";
import { HandshakeCheck } from "./handshake_check.ts";
import { methodNotAllowed } from "./http_checks.ts";
import { answering, type Posted, receive, type ReceiveOptions } from "./posted.ts";

export interface SseOptions extends ReceiveOptions {
  readonly accept: Accept;
  /** What the `endpoint` event names before the session id: path, or base URL and path, of the POST route. */
  readonly endpoint: string;
  readonly keepAliveMs: number;
  /** How many messages of a client may wait for the server. */
  readonly maxBufferedMessages: number;
}

export interface SseRoutes {
  /** GET: opens the stream and the session that lives as long as it. */
  connect(request: Request): Response;
  /** POST: messages of the session that `?sessionId=` names. */
  message(request: Request): Promise<Response>;
}

export function sse(options: SseOptions): SseRoutes {
  const sessions = new Map<string, SseSession>();

  function named(request: Request): SseSession {
    const id = new URL(request.url).searchParams.get("sessionId");
    if (id === null) throw new RequestError("Missing sessionId parameter");
    const session = sessions.get(id);
    if (session) return session;
    throw new RequestError("Session not found", { status: 404, code: RpcCode.sessionNotFound });
  }

  return {
    connect(request) {
      if (request.method !== "GET") throw methodNotAllowed(["GET"]);
      const id = crypto.randomUUID();
      const run = options.accept({ session: id, wire: "sse", scope: "session" });
      const session = new SseSession(options.keepAliveMs, () => sessions.delete(id));
      sessions.set(id, session);
      void run(session);
      return session.start(`${options.endpoint}?sessionId=${id}`);
    },
    async message(request) {
      if (request.method !== "POST") throw methodNotAllowed(["POST"]);
      const session = named(request);
      const posted = await receive(request, options);
      return await answering(posted, async () => {
        if (session.incoming.size >= options.maxBufferedMessages) {
          throw new LimitError(`The server is too slow: ${session.incoming.size} messages wait for it`);
        }
        await session.take(posted);
        return new Response("Accepted", { status: 202 });
      });
    },
  };
}

class SseSession implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #stream: EventStream;
  readonly #onEnd: () => void;
  readonly #handshake = new HandshakeCheck();

  /** `onEnd` is called as soon as the session can no longer be spoken to: its server may take a while to stop. */
  constructor(keepAliveMs: number, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#stream = new EventStream({ keepAliveMs, onGone: () => this.#gone() });
  }

  start(endpoint: string): Response {
    void this.#stream.send(encodeEvent({ event: "endpoint", data: endpoint }));
    return this.#stream.response();
  }

  /** Settles when the server has room for more. */
  async take({ messages, text }: Posted): Promise<void> {
    for (const message of messages) {
      this.#handshake.sent(message);
      await this.incoming.push({ message, text, relatesTo: undefined }, text?.length);
    }
  }

  send(envelope: Envelope): Promise<void> | void {
    if (!this.#stream.open) throw new DisconnectedError("The client closed its event stream");
    return this.#stream.send(encodeMessage(this.#handshake.answer(envelope) ?? envelope));
  }

  close(): Promise<void> {
    this.#onEnd();
    this.#stream.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.incoming.end();
    return this.close();
  }

  #gone(): void {
    this.#onEnd();
    this.incoming.fail(new DisconnectedError("The client closed its event stream"));
  }
}
