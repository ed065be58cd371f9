/** A client of stateful Streamable HTTP as a Channel, on plain `fetch`: text is what the wire carried. */
import { type Channel, type Envelope, textOf } from "../../src/core/channel.ts";
import { isRequest, type JsonRpcNotification } from "../../src/core/message/jsonrpc.ts";
import { parseMessage } from "../../src/core/message/parse.ts";
import { Queue } from "../../src/base/queue.ts";
import { ACCEPT, initialize } from "../support/rpc.ts";
import { Sequence } from "./sequence.ts";
import { eventsOf, receiveEvents } from "./sse_far.ts";

const INITIALIZED: JsonRpcNotification = { jsonrpc: "2.0", method: "notifications/initialized" };

export class StreamableFar implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #url: string;
  readonly #client = Deno.createHttpClient({});
  readonly #abort = new AbortController();
  readonly #posts = new Sequence();
  readonly #answers = new Set<Promise<void>>();
  #session: string | undefined;
  #standing: Promise<void> = Promise.resolve();
  #disposed = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** Plays the handshake and opens the GET stream; the server has to answer `initialize` meanwhile. */
  async open(): Promise<void> {
    const response = await this.#fetch("POST", JSON.stringify(initialize()));
    this.#session = response.headers.get("mcp-session-id") ?? undefined;
    await response.text();
    await this.send({ message: INITIALIZED });
    this.#standing = this.#listen(await this.#fetch("GET"));
  }

  /** A request is on its way when this settles; its answer comes with `incoming`. */
  async send(envelope: Envelope): Promise<void> {
    if (!isRequest(envelope.message)) return await this.#posts.run(() => this.#notify(envelope));
    const answer = this.#ask(envelope);
    this.#answers.add(answer);
    await Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#session === undefined) return;
    const response = await this.#fetch("DELETE");
    this.#session = undefined;
    await response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.incoming.end();
    this.#abort.abort();
    await Promise.all([this.#standing, ...this.#answers]);
    this.#client.close();
  }

  async #notify(envelope: Envelope): Promise<void> {
    const response = await this.#fetch("POST", textOf(envelope));
    const body = await response.text();
    if (response.status !== 202) throw new Error(`The message was answered ${response.status}: ${body}`);
  }

  async #ask(envelope: Envelope): Promise<void> {
    try {
      const response = await this.#fetch("POST", textOf(envelope));
      if (response.headers.get("content-type") !== "application/json") {
        return await receiveEvents(eventsOf(response), this.incoming);
      }
      const text = await response.text();
      await this.incoming.push({ message: parseMessage(text), text });
    } catch (error) {
      this.incoming.fail(error);
    }
  }

  async #listen(response: Response): Promise<void> {
    try {
      await receiveEvents(eventsOf(response), this.incoming);
      this.incoming.end();
    } catch (error) {
      this.incoming.fail(error);
    }
  }

  #fetch(method: string, body?: string): Promise<Response> {
    const headers = new Headers({ Accept: ACCEPT });
    if (body !== undefined) headers.set("Content-Type", "application/json");
    if (this.#session !== undefined) headers.set("Mcp-Session-Id", this.#session);
    return fetch(this.#url, {
      method,
      headers,
      client: this.#client,
      signal: this.#abort.signal,
      ...(body === undefined ? {} : { body }),
    });
  }
}
