/** What lies between the gateway and a remote server: a connection that breaks, or a proxy. */
import { connect, createServer, type Server, type Socket } from "node:net";

/** A TCP listener on a free port that can go away and come back. */
class Relay implements AsyncDisposable {
  #port = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #onConnection: (near: Socket) => void;

  constructor(onConnection: (near: Socket) => void) {
    this.#onConnection = onConnection;
  }

  get port(): number {
    return this.#port;
  }

  /** Takes connections, on the same port as before. */
  async plugIn(): Promise<void> {
    const server = createServer((near) => {
      this.#keep(near);
      this.#onConnection(near);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("There is no port");
    this.#port = address.port;
    this.#server = server;
  }

  /** Resets every connection; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Resets every connection; new ones are refused. */
  async unplug(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server ? server.close(() => resolve()) : resolve());
    this.cut();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unplug();
  }

  /** Passes on what comes from either side, after what is known already. */
  join(near: Socket, port: number, known?: Uint8Array): void {
    const far = connect(port, "127.0.0.1");
    this.#keep(far);
    if (known) far.write(known);
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      socket.on("close", () => other.destroy());
      socket.pipe(other);
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    // A reset is what a test asks for.
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

/** The way to one server. */
export class Cable extends Relay {
  static async to({ port }: { port: number }): Promise<Cable> {
    const cable: Cable = new Cable((near) => cable.join(near, port));
    await cable.plugIn();
    return cable;
  }
}

/** Takes requests in absolute form and CONNECT (RFC 9112 §3.2), always to this machine, and remembers their first lines. */
export class Proxy extends Relay {
  readonly asked: string[] = [];

  static async start(): Promise<Proxy> {
    const proxy: Proxy = new Proxy((near) =>
      near.once("data", (head: Uint8Array) => {
        near.pause();
        const [line = ""] = new TextDecoder().decode(head).split("\r\n");
        proxy.asked.push(line);
        const [method, target = ""] = line.split(" ");
        const port = Number(/:(\d+)/.exec(target.replace(/^\w+:\/\//, ""))?.[1]);
        if (method === "CONNECT") near.write("HTTP/1.1 200 OK\r\n\r\n");
        // A server takes the absolute form as well.
        proxy.join(near, port, method === "CONNECT" ? undefined : head);
      })
    );
    await proxy.plugIn();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
}
