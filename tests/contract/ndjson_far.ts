/** Newline-delimited JSON on a TCP connection as a Channel: the far end of a child's pipes. */
import type { Channel, Envelope } from "../../src/core/channel.ts";
import { parseMessage } from "../../src/core/message/parse.ts";
import { Queue } from "../../src/base/queue.ts";
import { encodeLine, LineDecoder } from "../../src/wire/ndjson.ts";
import { Sequence } from "./sequence.ts";

const MAX_LINE_BYTES = 16 * 1024 * 1024;

export class NdjsonChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #connection: Deno.TcpConn;
  readonly #reading: Promise<void>;
  readonly #writes = new Sequence();
  #disposed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#reading = this.#read();
  }

  send(envelope: Envelope): Promise<void> {
    const bytes = new TextEncoder().encode(encodeLine(envelope));
    return this.#writes.run(async () => {
      for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
    });
  }

  close(): Promise<void> {
    return this.#writes.run(() => this.#connection.closeWrite());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.incoming.end();
    if (!this.#disposed) this.#connection.close();
    this.#disposed = true;
    await this.#reading;
  }

  async #read(): Promise<void> {
    const decoder = new LineDecoder(MAX_LINE_BYTES);
    const buffer = new Uint8Array(64 * 1024);
    try {
      while (true) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        for (const text of decoder.push(buffer.slice(0, count))) {
          await this.incoming.push({ message: parseMessage(text), text }, text.length);
        }
      }
      this.incoming.end();
    } catch (error) {
      // Closed from here, or reset by the other end.
      this.incoming.fail(error);
    }
  }
}
