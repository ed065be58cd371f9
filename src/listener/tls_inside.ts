/**
 * TLS behind a socket of ours. To close a connection of the runtime's own TLS leaves its socket open for as long as the
 * far end neither completes the handshake nor reads, so who does nothing could hold as many as there are: here the
 * socket is plain, and its bytes are passed on to the TLS within. The runtime's TLS has one certificate for as long as it
 * listens; another one has a listener of its own, and who is connected by then notices nothing.
 */
import { type ByteStream, unlessClosed } from "../wire/byte_stream.ts";
import { tunnel } from "./tunnel.ts";

const LOOPBACK = "127.0.0.1";
const FULL_PAUSE_MS = 50;
/** Whoever asks for a connection does so at once. */
const STRANGER_MS = 1_000;
/** To connect within takes no time; who has not by then is gone. */
const RETIRE_MS = 10_000;

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
  #current: InnerListener;

  /** Throws what `Deno.listenTls` throws for a certificate that is none. */
  constructor(certificate: Certificate) {
    this.#current = new InnerListener(certificate);
  }

  /** As the constructor; where it throws the certificate before goes on to count. */
  renew(certificate: Certificate): void {
    const before = this.#current;
    this.#current = new InnerListener(certificate);
    before.retire();
  }

  /** The TLS that comes over a socket, and ends with it. Throws what `Deno.connect` throws. */
  over(socket: ByteStream): Promise<TlsOver> {
    return this.#current.over(socket);
  }

  close(): void {
    this.#current.close();
  }
}

type Timer = ReturnType<typeof setTimeout>;

/** What has been accepted of it outlives its end. */
class InnerListener {
  readonly #listener: Deno.TlsListener;
  #closed = false;
  /** No more will be asked for: it ends by then at the latest. */
  #retiring: Timer | undefined;
  /** How many are on their way. */
  #underWay = 0;
  /** Those that nobody has asked for yet. */
  readonly #early = new Map<number, { readonly conn: Deno.TlsConn; readonly timer: Timer }>();
  /** Who waits for the connection from that port. */
  readonly #expected = new Map<number, PromiseWithResolvers<Deno.TlsConn>>();

  constructor(certificate: Certificate) {
    const alpnProtocols = ["h2", "http/1.1"];
    this.#listener = Deno.listenTls({ hostname: LOOPBACK, port: 0, ...certificate, alpnProtocols });
    void this.#acceptAll();
  }

  async over(socket: ByteStream): Promise<TlsOver> {
    this.#underWay++;
    try {
      const { port } = this.#listener.addr;
      const inside = await Deno.connect({ hostname: LOOPBACK, port });
      const ended = tunnel(socket, unlessClosed(inside));
      return { conn: await this.#accepted(inside.localAddr.port), ended };
    } finally {
      this.#underWay--;
      this.#closeIfDone();
    }
  }

  /** Closes it as soon as nothing is on its way. */
  retire(): void {
    this.#retiring = setTimeout(() => this.close(), RETIRE_MS);
    this.#closeIfDone();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retiring);
    this.#listener.close();
    for (const { reject } of this.#expected.values()) reject(new Deno.errors.ConnectionAborted());
    for (const port of this.#early.keys()) this.#taken(port)?.close();
  }

  #closeIfDone(): void {
    if (this.#retiring !== undefined && this.#underWay === 0) this.close();
  }

  /** Either end may be told first that they are connected. */
  #accepted(port: number): Promise<Deno.TlsConn> {
    const expected = Promise.withResolvers<Deno.TlsConn>();
    const early = this.#taken(port);
    if (early) expected.resolve(early);
    else if (this.#closed) expected.reject(new Deno.errors.ConnectionAborted());
    else this.#expected.set(port, expected);
    return expected.promise;
  }

  #taken(port: number): Deno.TlsConn | undefined {
    const early = this.#early.get(port);
    this.#early.delete(port);
    clearTimeout(early?.timer);
    return early?.conn;
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
    const expected = this.#expected.get(port);
    this.#expected.delete(port);
    if (expected) return expected.resolve(conn);
    // Nobody else has any business here.
    const timer = setTimeout(() => this.#taken(port)?.close(), STRANGER_MS);
    this.#early.set(port, { conn, timer });
  }
}
