/** The runtime's own WebSocket client as a Channel. */
import { type Channel, type Envelope, textOf } from "../../src/core/channel.ts";
import { parseMessage } from "../../src/core/message/parse.ts";
import { Queue } from "../../src/base/queue.ts";

export class WebSocketFar implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #socket: WebSocket;
  readonly #closed = Promise.withResolvers<void>();

  /** Settles when the socket is open. */
  static async open(url: string): Promise<WebSocketFar> {
    const socket = new WebSocket(url, "mcp");
    const opened = Promise.withResolvers<void>();
    socket.addEventListener("open", () => opened.resolve());
    socket.addEventListener("close", () => opened.reject(new Error("The socket was not opened")));
    await opened.promise;
    return new WebSocketFar(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data: text }) => {
      void this.incoming.push({ message: parseMessage(text), text });
    });
    socket.addEventListener("close", () => {
      this.incoming.end();
      this.#closed.resolve();
    });
  }

  send(envelope: Envelope): void {
    this.#socket.send(textOf(envelope));
  }

  close(): Promise<void> {
    this.#socket.close(1000);
    return this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.incoming.end();
    await this.close();
  }
}
