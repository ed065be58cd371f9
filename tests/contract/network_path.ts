/** The network between a client and a server on this machine: it can stall, and it can be cut. */

/** What a path must not do by itself is fail loudly when it is cut. */
const CUT = [
  Deno.errors.BadResource,
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionReset,
  Deno.errors.Interrupted,
  Deno.errors.NotConnected,
];

export class NetworkPath implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serverPort: number;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>[] = [];
  #open = Promise.withResolvers<void>();

  constructor(serverPort: number) {
    this.#serverPort = serverPort;
    this.#open.resolve();
    this.#running.push(this.#accept());
  }

  /** Where the client finds the server. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** From here on nothing reaches the client. */
  stall(): void {
    this.#open = Promise.withResolvers();
  }

  resume(): void {
    this.#open.resolve();
  }

  /** All connections are gone at once, without a goodbye. */
  cut(): void {
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    this.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#serverPort });
      this.#connections.add(client).add(server);
      this.#running.push(
        this.#copy(client, server, () => undefined),
        this.#copy(server, client, () => this.#open.promise),
      );
    }
  }

  async #copy(from: Deno.TcpConn, to: Deno.TcpConn, ready: () => Promise<void> | undefined): Promise<void> {
    const buffer = new Uint8Array(16 * 1024);
    try {
      while (true) {
        await ready();
        const count = await from.read(buffer);
        if (count === null) return await to.closeWrite();
        for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
      }
    } catch (error) {
      if (!CUT.some((kind) => error instanceof kind)) throw error;
      // The other end gave up; then the whole connection is over.
      this.#end(from, to);
    }
  }

  #end(...connections: Deno.TcpConn[]): void {
    for (const connection of connections) {
      if (this.#connections.delete(connection)) connection.close();
    }
  }
}
