/** A client on our own stdin and stdout: newline-delimited JSON, and stdout belongs to the protocol. */
import type { Accept } from "../core/backend.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { DisconnectedError, GatewayError, toRpcError } from "../core/errors.ts";
import { errorOf } from "../core/message/jsonrpc.ts";
import type { MessageLimits } from "../core/message/message_limits.ts";
import { parseMessages } from "../core/message/parse.ts";
import { Queue } from "../base/queue.ts";
import { encodeLine, LineDecoder } from "../wire/ndjson.ts";

/** How much may wait for a client that does not read before the sender is held back. */
const OUTBOX_HIGH_WATER = 64 * 1024;

export interface StdioOptions {
  readonly accept: Accept;
  readonly input: ReadableStream<Uint8Array>;
  readonly output: WritableStream<Uint8Array>;
  /** The longest line that the client may send. */
  readonly maxBodyBytes: number;
  /** Of a message's structure; the usual ones by default. */
  readonly clientLimits?: MessageLimits | undefined;
  /** The client says no more, and may still wait for answers. */
  readonly onInputEnd: () => void;
}

/** Serves the one client; settles when the conversation has ended and everything is written. */
export async function stdio(options: StdioOptions): Promise<void> {
  const admission = await options.accept({ session: "stdio", wire: "stdio", scope: "session" });
  await admission.run(new StdioChannel(options));
}

class StdioChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #options: StdioOptions;
  #outbox: string[] = [];
  #outboxSize = 0;
  #writing: Promise<void> | undefined;
  /** Nobody reads our stdout any more, or we have said all. */
  #mute = false;

  constructor(options: StdioOptions) {
    this.#reader = options.input.getReader();
    this.#writer = options.output.getWriter();
    this.#options = options;
    void this.#read();
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#mute) throw new DisconnectedError("The client closed our stdout");
    const line = encodeLine(envelope);
    this.#outbox.push(line);
    this.#outboxSize += line.length;
    this.#writing ??= this.#write();
    if (this.#outboxSize >= OUTBOX_HIGH_WATER) return this.#writing;
  }

  async close(): Promise<void> {
    this.#mute = true;
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#mute = true;
    this.incoming.end();
    await this.#reader.cancel();
  }

  async #read(): Promise<void> {
    let room: Promise<void> | void = undefined;
    const decoder = new LineDecoder(this.#options.maxBodyBytes, {
      onTooLong: (error) => void (room = this.#refuse(error)),
    });
    for (let chunk = await this.#chunk(); chunk; chunk = await this.#chunk()) {
      for (const line of decoder.push(chunk)) await this.#receive(line);
      // Backpressure: a client that does not read its answers is not read either, until it does.
      await room;
    }
    for (const line of decoder.end()) await this.#receive(line);
    this.incoming.end();
    this.#options.onInputEnd();
  }

  /** A stdin that cannot be read any more is as good as closed. */
  async #chunk(): Promise<Uint8Array | undefined> {
    try {
      return (await this.#reader.read()).value;
    } catch {
      return undefined;
    }
  }

  #receive(line: string): Promise<void> | void {
    try {
      const { said } = parseMessages(line, this.#options.clientLimits);
      let room: Promise<void> | void = undefined;
      for (const envelope of said) room = this.incoming.push(envelope, line.length);
      return room;
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** Mostly it cannot be told which request it was, but the client may wait for an answer. */
  #refuse(error: unknown): Promise<void> | void {
    if (!(error instanceof GatewayError)) throw error;
    if (!this.#mute) return this.send({ message: errorOf(error.requestId, toRpcError(error)) });
  }

  /** Writes what has gathered as one piece. */
  async #write(): Promise<void> {
    try {
      while (this.#outbox.length > 0) {
        const text = this.#outbox.join("");
        this.#outbox = [];
        this.#outboxSize = 0;
        await this.#writer.write(this.#encoder.encode(text));
      }
    } catch {
      // EPIPE: whoever started us does not listen any more.
      this.#mute = true;
      this.incoming.fail(new DisconnectedError("The client closed our stdout"));
    } finally {
      this.#writing = undefined;
    }
  }
}
