/** What follows the head of a raw answer: an event stream or a WebSocket, whose client behaves as no library would. */
import { writeAll } from "../../src/wire/byte_stream.ts";
import { frame, MASK } from "./frames.ts";
import type { Keystone } from "./keystone.ts";
import { type RawAnswer, rawRequest } from "./raw_http.ts";

const TEXT = 1;

export class RawStream implements Disposable {
  readonly #connection: Deno.Conn;
  #text: string;

  constructor({ connection, body }: Pick<RawAnswer, "connection" | "body">) {
    this.#connection = connection;
    this.#text = body;
  }

  /** Reads on until the text so far matches. */
  async read(pattern: RegExp): Promise<RegExpExecArray> {
    const chunk = new Uint8Array(16 * 1024);
    while (true) {
      const match = pattern.exec(this.#text);
      if (match) return match;
      const size = await this.#connection.read(chunk);
      if (size === null) throw new Error(`The connection ended without ${pattern}:\n${this.#text}`);
      this.#text += new TextDecoder().decode(chunk.subarray(0, size));
    }
  }

  /** Sends a text frame of a WebSocket. */
  async writeFrame(text: string): Promise<void> {
    await writeAll(this.#connection, frame({ opcode: TEXT, payload: text, mask: MASK }));
  }

  /** Closes the connection without a word of the protocol above it. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** The stream of an SSE client, and the URL that takes its messages. */
export async function openEventStream({ sse, port }: Keystone) {
  const headers = { Accept: "text/event-stream" };
  const stream = new RawStream(await rawRequest(port, { path: new URL(sse).pathname, headers }));
  const [, endpoint = ""] = await stream.read(/^data: (\S+)$/m);
  return { stream, endpoint: new URL(endpoint, sse).href };
}
