/**
 * The listener: accepts connections within their limits and sees each through its course (connection.ts). It outlives
 * what happens to it: a machine without file descriptors, and the end of the socket that it listens on.
 */
import { BusyError, GatewayError, RequestError, StoppingError, toResponse } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import { Chain, type LinkTo, linkTo } from "../base/chain.ts";
import { pause, pauseBefore, type Retry } from "../base/retry.ts";
import { writeAnswer } from "./answer.ts";
import { Connection } from "./connection.ts";
import { isOutOfDescriptors } from "./descriptors.ts";
import { Inside } from "./inside.ts";
import { linger } from "./linger.ts";
import { type ConnectionLimits, Places } from "./places.ts";
import { serveConnection } from "./runtime.ts";
import type { Service, Surroundings } from "./service.ts";
import { type Certificate, TlsInside } from "./tls_inside.ts";

/** Somebody's file will be closed soon. */
const FULL_PAUSE_MS = 50;
/** Half a minute in all. */
const REOPENING: Retry = { attempts: 8, firstDelayMs: 100, maxDelayMs: 5_000 };
/** How many refused connections may be told why at a time; more are just closed. */
const MAX_TOLD = 32;

interface ListenerOptions extends ConnectionLimits {
  readonly hostname: string;
  readonly port: number;
  /** PEM texts: HTTPS, with HTTP/2 by ALPN. */
  readonly tls?: Certificate | undefined;
  readonly maxHeaderBytes: number;
  readonly service: Service;
  /** Throws RequestError for an address that may not connect. */
  readonly refuse?: ((address: string) => void) | undefined;
  readonly emit: Sink;
  /** Opens the socket on a port; by default as the options say. */
  readonly open?: Open | undefined;
  /** How often, and after which pauses, a socket that ended is opened again. */
  readonly reopening?: Retry | undefined;
}

export type Open = (port: number) => Deno.TcpListener;

export class Listener {
  readonly addr: Deno.NetAddr;
  /** Settles when nothing is accepted any more; rejects when that was not wanted and cannot be mended. */
  readonly ended: Promise<void>;
  readonly #options: ListenerOptions;
  readonly #places: Places;
  readonly #connections = new Chain<LinkTo<Connection>>();
  readonly #inside = new Inside();
  readonly #around: Surroundings;
  readonly #stopping = new AbortController();
  readonly #open: Open;
  #socket: Deno.TcpListener;
  #told = 0;
  #troubled = false;

  /** Throws what `Deno.listen` throws. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#places = new Places(options);
    const { hostname } = options;
    this.#open = options.open ?? ((port) => Deno.listen({ hostname, port }));
    this.#socket = this.#open(options.port);
    try {
      this.#around = surroundings(options, this.#inside);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
    this.addr = this.#socket.addr;
    this.ended = this.#acceptAll();
  }

  /** New connections have another certificate. Throws what `Deno.listenTls` throws, and then nothing has changed. */
  renew(certificate: Certificate): void {
    this.#around.tls?.renew(certificate);
  }

  /** Takes no more connections; settles when those that there are have ended, each after its answer. */
  async shutdown(): Promise<void> {
    this.#stopping.abort(new StoppingError());
    closeSocket(this.#socket);
    await Promise.all(this.#connections.all().map(({ value: connection }) => connection.shutdown()));
    await this.#inside.shutdown();
    this.#around.tls?.close();
    this.#places[Symbol.dispose]();
  }

  /** Ends what is left of them. */
  kill(): void {
    this.#places[Symbol.dispose]();
    for (const { value: connection } of this.#connections.all()) connection.drop("the gateway stops");
  }

  // --- accepting ---

  async #acceptAll(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#admit(await this.#socket.accept());
        this.#recovered();
      } catch (error) {
        if (!signal.aborted) await this.#mend(error);
      }
    }
  }

  #admit(conn: Deno.TcpConn): void {
    const { hostname: address } = conn.remoteAddr;
    try {
      this.#options.refuse?.(address);
      this.#begin(conn, address);
    } catch (error) {
      if (!(error instanceof BusyError || error instanceof RequestError)) throw error;
      this.#options.emit({ type: "connection.refused", address, reason: error.logged });
      void this.#turnAway(conn, error);
    }
  }

  #begin(conn: Deno.TcpConn, address: string): void {
    const place = this.#places.enter(address, (reason) => connection.drop(reason));
    const connection: Connection = new Connection(conn, place, this.#around);
    const link = linkTo(connection);
    this.#connections.add(link);
    void connection.run().then(() => this.#connections.remove(link));
  }

  /** A status says more than a closed connection, to who is not encrypted yet; but it must not cost much. */
  async #turnAway(conn: Deno.Conn, error: GatewayError): Promise<void> {
    const tells = !this.#options.tls && this.#told < MAX_TOLD;
    if (tells) this.#told++;
    try {
      if (!tells) return;
      await writeAnswer(conn, toResponse(error), { fieldsOnly: false, last: true });
      // Its request may be here already.
      await linger(conn, conn);
    } catch {
      // It did not wait for that.
    } finally {
      if (tells) this.#told--;
      conn.close();
    }
  }

  // --- trouble ---

  /** Rejects when it cannot be mended. */
  async #mend(error: unknown): Promise<void> {
    if (isFleeting(error)) return;
    const reason = error instanceof Error ? error.message : String(error);
    if (!this.#troubled) this.#options.emit({ type: "listener.trouble", reason });
    this.#troubled = true;
    if (!isOutOfDescriptors(error)) return await this.#reopen(error);
    this.#places.makeRoom();
    await this.#pause(FULL_PAUSE_MS);
  }

  #recovered(): void {
    if (!this.#troubled) return;
    this.#troubled = false;
    this.#options.emit({ type: "listener.recovered" });
  }

  async #reopen(cause: unknown): Promise<void> {
    const { reopening = REOPENING } = this.#options;
    closeSocket(this.#socket);
    let last = cause;
    for (let attempt = 1; attempt <= reopening.attempts && !this.#stopping.signal.aborted; attempt++) {
      try {
        this.#socket = this.#open(this.addr.port);
        return;
      } catch (error) {
        last = error;
      }
      await this.#pause(pauseBefore(attempt, reopening));
    }
    if (!this.#stopping.signal.aborted) throw last;
  }

  /** Cut short when the listener stops. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    await pause(ms, signal).catch((error) => {
      if (!signal.aborted) throw error;
    });
  }
}

function surroundings({ service, tls, maxHeaderBytes, emit }: ListenerOptions, inside: Inside): Surroundings {
  return {
    ...{ service, maxHeaderBytes, inside, emit, serve: serveConnection() },
    tls: tls && new TlsInside(tls),
    onError(error) {
      // An answer that was broken off on purpose: whoever did that has told of it.
      if (!(error instanceof GatewayError)) emit({ type: "fault", where: "connection", error });
      return toResponse(error);
    },
  };
}

function closeSocket(socket: Deno.Listener): void {
  try {
    socket.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** The client left before it was accepted. */
function isFleeting(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.ConnectionReset;
}
