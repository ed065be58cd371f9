/** A client of HTTP+SSE as a Channel, on plain `fetch`: text is what the wire carried. */
import { EventSourceParserStream } from "eventsource-parser/stream";
import type { Channel, Envelope } from "../../src/core/channel.ts";
import { textOf } from "../../src/core/channel.ts";
import { parseMessage } from "../../src/core/message/parse.ts";
import { Queue } from "../../src/base/queue.ts";
import { Sequence } from "./sequence.ts";

interface ServerEvent {
  readonly event?: string | undefined;
  readonly data: string;
}

/** The events of a response, read one by one: who does not read holds the server back. */
export function eventsOf(response: Response): ReadableStream<ServerEvent> {
  if (!response.ok || !response.body) throw new Error(`No event stream, but status ${response.status}`);
  return response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
}

/** Hands the events of a stream to a queue, as messages; the stream's failure is the queue's. */
export async function receiveEvents(
  events: AsyncIterable<ServerEvent>,
  queue: Queue<Envelope>,
): Promise<void> {
  for await (const { data: text } of events) {
    // An event without data only says from where the stream can be resumed.
    if (text !== "") await queue.push({ message: parseMessage(text), text }, text.length);
  }
}

export class SseFar implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #client: Deno.HttpClient;
  readonly #abort = new AbortController();
  readonly #posts = new Sequence();
  readonly #reading: Promise<void>;
  readonly #endpoint: URL;

  /** Settles when the server has named the endpoint for messages. */
  static async open(url: string): Promise<SseFar> {
    const client = Deno.createHttpClient({});
    const abort = new AbortController();
    const response = await fetch(url, { client, signal: abort.signal });
    const events = eventsOf(response)[Symbol.asyncIterator]();
    const { value } = await events.next();
    if (value?.event !== "endpoint") throw new Error("The first event is not the endpoint");
    return new SseFar({ client, abort, events, endpoint: new URL(value.data, url) });
  }

  private constructor(parts: {
    client: Deno.HttpClient;
    abort: AbortController;
    events: AsyncIterableIterator<ServerEvent>;
    endpoint: URL;
  }) {
    this.#client = parts.client;
    this.#abort = parts.abort;
    this.#endpoint = parts.endpoint;
    this.#reading = this.#read(parts.events);
  }

  send(envelope: Envelope): Promise<void> {
    return this.#posts.run(async () => {
      const response = await fetch(this.#endpoint, {
        client: this.#client,
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: textOf(envelope),
        signal: this.#abort.signal,
      });
      const body = await response.text();
      if (response.status !== 202) throw new Error(`The message was answered ${response.status}: ${body}`);
    });
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.incoming.end();
    await this.close();
    this.#client.close();
  }

  async #read(events: AsyncIterable<ServerEvent>): Promise<void> {
    try {
      await receiveEvents(events, this.incoming);
      this.incoming.end();
    } catch (error) {
      this.incoming.fail(error);
    }
  }
}
