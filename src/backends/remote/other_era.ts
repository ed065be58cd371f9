/** A channel of modern messages where the wire carries none: each request is answered at once, and nothing is sent. */
import { Queue } from "../../base/queue.ts";
import type { Launch } from "../../core/backend.ts";
import type { Channel, Envelope } from "../../core/channel.ts";
import { DisconnectedError } from "../../core/errors.ts";
import { NEWEST_MODERN } from "../../core/mcp/revisions.ts";
import { isRequest } from "../../core/message/jsonrpc.ts";
import { failureAnswer, RemoteError } from "./remote_error.ts";
import type { RemoteOptions } from "./remote.ts";
import { RemoteNews } from "./remote_news.ts";

export class OtherEraChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #news: RemoteNews;
  readonly #error: RemoteError;

  /** `speaker` is who speaks the wire that carries none. */
  constructor(remote: RemoteOptions, { session }: Launch, speaker: string) {
    this.#news = new RemoteNews(remote, session);
    const text = `${speaker}, which carries nothing of ${NEWEST_MODERN}`;
    this.#error = new RemoteError(text, { delivered: false, permanent: true });
  }

  send({ message }: Envelope): Promise<void> | void {
    if (this.incoming.ended) throw new DisconnectedError(this.#error.message);
    if (!isRequest(message)) return this.#news.dropped("up", this.#error.message);
    const answer = failureAnswer(message.id, this.#error);
    return this.incoming.push({ ...answer, undelivered: { again: "never", why: "foreign" } });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.incoming.end();
    return Promise.resolve();
  }
}
