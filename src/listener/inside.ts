/** The runtime's own server, on loopback and for those alone who come through us: what we do not read ourselves. */
import type { ByteStream } from "../wire/byte_stream.ts";
import { orBusy } from "./descriptors.ts";
import type { Place } from "./places.ts";
import type { RequestHandler } from "./runtime.ts";
import { tunnel } from "./tunnel.ts";

const LOOPBACK = "127.0.0.1";

/** Whoever answers for a connection. */
export interface Handling {
  readonly place: Place;
  readonly handle: RequestHandler;
}

export class Inside {
  /** By the port that the connection comes from. */
  readonly #byPort = new Map<number, Handling>();
  /** Made with the first connection: mostly there is none. */
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;

  /**
   * Relays a connection to the server, whose requests that one answers. Settles at its end. Rejects with BusyError where
   * there is no room for it.
   */
  async relay(client: ByteStream, handling: Handling): Promise<void> {
    // Another two descriptors.
    handling.place.widen(2);
    await tunnel(client, await orBusy(this.#connect(handling)));
  }

  async shutdown(): Promise<void> {
    await this.#server?.shutdown();
  }

  /** Throws what `Deno.connect` throws. */
  async #connect(handling: Handling): Promise<ByteStream> {
    const server = this.#server ??= this.#start();
    const conn = await Deno.connect({ hostname: LOOPBACK, port: server.addr.port });
    const { port } = conn.localAddr;
    this.#byPort.set(port, handling);
    return {
      read: (into) => conn.read(into),
      write: (bytes) => conn.write(bytes),
      close: () => {
        if (this.#byPort.get(port) !== handling) return;
        this.#byPort.delete(port);
        conn.close();
      },
    };
  }

  #start(): Deno.HttpServer<Deno.NetAddr> {
    const server = Deno.serve({ hostname: LOOPBACK, port: 0, onListen: () => {} }, (request, info) => {
      const handling = this.#byPort.get(info.remoteAddr.port);
      return handling?.handle(request, info) ?? new Response(null, { status: 403 });
    });
    // It ends by itself where there was no file descriptor for a connection: the next one finds a new server.
    const ended = () => {
      if (this.#server === server) this.#server = undefined;
    };
    server.finished.then(ended, ended);
    return server;
  }
}
