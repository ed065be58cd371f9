/**
 * TLS behind a socket of ours. To close a connection of the runtime's own TLS leaves its socket open for as long as the
 * far end neither completes the handshake nor reads, so who does nothing could hold as many as there are: here the
 * socket is plain, and its bytes are passed on to the TLS within.
 */
import { type ByteStream, unlessClosed } from "../wire/byte_stream.ts";
import { tunnel } from "./tunnel.ts";

const LOOPBACK = "127.0.0.1";
const FULL_PAUSE_MS = 50;
/** Whoever asks for a connection does so at once. */
const STRANGER_MS = 1_000;

export interface Certificate {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
}

interface TlsOver {
  readonly conn: Deno.TlsConn;
  /** Settles when all that was said has gone over the socket, which is closed then. */
  readonly ended: Promise<void>;
}

export class TlsInside {
  readonly #listener: Deno.TlsListener;
  #closed = false;
  /** Those that nobody has asked for yet. */
  readonly #early = new Map<number, Deno.TlsConn>();
  /** Who waits for the connection from that port. */
  readonly #expected = new Map<number, (conn: Deno.TlsConn) => void>();

  /** Throws what `Deno.listenTls` throws for a certificate that is none. */
  constructor(certificate: Certificate) {
    const alpnProtocols = ["h2", "http/1.1"];
    this.#listener = Deno.listenTls({ hostname: LOOPBACK, port: 0, ...certificate, alpnProtocols });
    void this.#acceptAll();
  }

  /** The TLS that comes over a socket, and ends with it. Throws what `Deno.connect` throws. */
  async over(socket: ByteStream): Promise<TlsOver> {
    const { port } = this.#listener.addr;
    const inside = await Deno.connect({ hostname: LOOPBACK, port });
    const ended = tunnel(socket, unlessClosed(inside));
    return { conn: await this.#accepted(inside.localAddr.port), ended };
  }

  close(): void {
    this.#closed = true;
    this.#listener.close();
  }

  /** Either end may be told first that they are connected. */
  #accepted(port: number): Promise<Deno.TlsConn> {
    const { promise, resolve } = Promise.withResolvers<Deno.TlsConn>();
    const conn = this.#early.get(port);
    this.#early.delete(port);
    if (conn) resolve(conn);
    else this.#expected.set(port, resolve);
    return promise;
  }

  async #acceptAll(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#hand(await this.#listener.accept());
      } catch {
        // Out of descriptors, mostly: somebody's will be closed soon.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, FULL_PAUSE_MS));
      }
    }
  }

  #hand(conn: Deno.TlsConn): void {
    const { port } = conn.remoteAddr;
    const take = this.#expected.get(port);
    this.#expected.delete(port);
    if (take) return take(conn);
    this.#early.set(port, conn);
    // Nobody else has any business here.
    setTimeout(() => {
      if (this.#early.delete(port)) conn.close();
    }, STRANGER_MS);
  }
}
