/**
 * One connection and its course: the handshake of TLS, the first requests, and the runtime, which is faster than we are
 * and can do more, but takes only a connection on which nothing has been read that is not answered. One on which
 * somebody wishes for another protocol stays ours (http1_requests.ts): once the runtime has it, it refuses such a
 * request where that has a body, and nobody is asked.
 */
import { within } from "../base/waiting.ts";
import { Caller } from "../core/caller.ts";
import { BusyError } from "../core/errors.ts";
import { closeStream, unlessClosed } from "../wire/byte_stream.ts";
import { orBusy } from "./descriptors.ts";
import { type ConnectionOwner, Http1Requests } from "./http1_requests.ts";
import { LINGER_MS } from "./linger.ts";
import type { Place } from "./places.ts";
import type { RequestHandler, ServedConnection } from "./runtime.ts";
import type { Surroundings } from "./service.ts";
import { Streams } from "./streams.ts";

const BROKEN = [
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
  Deno.errors.BrokenPipe,
  Deno.errors.BadResource,
  Deno.errors.Interrupted,
  Deno.errors.InvalidData,
  Deno.errors.NotConnected,
  Deno.errors.TimedOut,
  Deno.errors.UnexpectedEof,
  Deno.errors.Http,
];

export class Connection implements ConnectionOwner {
  readonly address: string;
  readonly place: Place;
  /** As it was accepted. */
  readonly #socket: Deno.TcpConn;
  /** What HTTP comes on: the socket, or the TLS over it. */
  #conn: Deno.TcpConn | Deno.TlsConn;
  /** Settles when nothing is on its way from the one to the other. */
  #sent: Promise<void> | undefined;
  readonly #around: Surroundings;
  /** Settles when it has ended. */
  readonly #ended = Promise.withResolvers<void>();
  /** Ends what has the connection now. */
  #end: () => void;
  /** Where requests share the connection. */
  #streams: Streams | undefined;
  /** The runtime, where that has it. */
  #served: ServedConnection | undefined;
  #dropped = false;
  #stopping = false;

  constructor(socket: Deno.TcpConn, place: Place, around: Surroundings) {
    this.#socket = this.#conn = socket;
    this.place = place;
    this.#around = around;
    this.address = socket.remoteAddr.hostname;
    this.#end = () => closeStream(socket);
  }

  /** Runs it to its end. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#course();
    } catch (error) {
      if (!this.#dropped) this.#tell(error);
    } finally {
      // From now on there is nothing to drop.
      this.#dropped = true;
      await this.#close();
      this.place.leave();
      this.#ended.resolve();
    }
  }

  drop(reason: string): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#around.emit({ type: "connection.dropped", address: this.address, reason });
    this.#end();
  }

  /** What we write ourselves is watched as it goes; and of requests that share the connection, one says nothing of another. */
  takesWhole(bytes: number): boolean {
    return this.#served !== undefined && this.#streams === undefined && this.place.takesWhole(bytes);
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Ends it after the answer that is under way. */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    if (this.#served) await this.#served.shutdown();
    else if (!this.place.atWork) this.#end();
    await this.#ended.promise;
  }

  /** Answers a request that the runtime has read, and knows for how long it is at work. */
  readonly handle: RequestHandler = (request, info) => {
    this.place.begin();
    info.completed.then(this.#done, this.#done);
    const { service } = this.#around;
    const stream = this.#streams?.enter();
    if (!stream) return service.request(request, new Caller(this));
    info.completed.then(stream.leave, stream.leave);
    return service.request(request, new Caller(stream));
  };

  /** Made once: there is a request to each message. */
  readonly #done = (): void => this.place.done();

  async #course(): Promise<void> {
    if (await this.#speaksHttp2()) {
      this.#streams = new Streams(this);
      return await this.#handOn();
    }
    const left = await new Http1Requests(this.#conn, this, this.#around).answerAll();
    if (left === "clean") await this.#handOn();
  }

  /** The handshake of TLS settles the protocol (RFC 7301). */
  async #speaksHttp2(): Promise<boolean> {
    const { tls } = this.#around;
    if (!tls) return false;
    // Another two descriptors.
    this.place.widen(2);
    const { conn, ended } = await orBusy(tls.over(unlessClosed(this.#socket)));
    this.#conn = conn;
    this.#sent = ended;
    const { alpnProtocol } = await conn.handshake();
    return alpnProtocol === "h2";
  }

  async #handOn(): Promise<void> {
    const { serve, inside, onError } = this.#around;
    if (!serve) return await inside.relay(this.#conn, this);
    const abort = new AbortController();
    this.#end = () => {
      abort.abort();
      closeStream(this.#socket);
    };
    const served = this.#served = serve(this.#conn, abort.signal, this.handle, onError, ignore);
    if (this.#stopping) await served.shutdown();
    await served.finished;
  }

  // --- the end ---

  /** The client, or the runtime, broke it, or there was no room for it; anything else is a fault of ours. */
  #tell(error: unknown): void {
    const { address } = this;
    const { emit, onError } = this.#around;
    if (error instanceof BusyError) emit({ type: "connection.refused", address, reason: error.message });
    else if (!isBroken(error)) onError(error);
  }

  /** What was said last still has its way to go. */
  async #close(): Promise<void> {
    closeStream(this.#conn);
    if (this.#sent) await within(LINGER_MS, this.#sent);
    closeStream(this.#socket);
  }
}

function ignore(): void {}

/** By its far end, by junk in place of TLS, or by us. */
function isBroken(error: unknown): boolean {
  return BROKEN.some((kind) => error instanceof kind);
}
