/**
 * One connection and its course: the handshake of TLS, the first head, and what that asks for. A WebSocket is run by
 * us; plain requests are answered by us until the connection can be handed on to the runtime, which is faster and can
 * do more, but takes only a connection on which nothing has been read that is not answered. What is not plain goes
 * through a tunnel to the runtime from its first byte on. A connection on which somebody wishes for another protocol
 * stays ours: once the runtime has it, it refuses such a request where that has a body, and nobody is asked.
 */
import { Caller, type CallerConnection } from "../core/caller.ts";
import { BusyError, GatewayError, toResponse } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import { within } from "../base/waiting.ts";
import {
  type ByteStream,
  closeStream,
  hasCaughtUp,
  unlessClosed,
  withBefore,
  writeAll,
} from "../wire/byte_stream.ts";
import { encodeHead, type Head, membersOf, readHead } from "../wire/http_head.ts";
import type { Upgrade } from "../wire/upgrade.ts";
import { writeAnswer } from "./answer.ts";
import { isOutOfDescriptors } from "./descriptors.ts";
import type { Inside } from "./inside.ts";
import type { Place } from "./places.ts";
import {
  asLast,
  checkHost,
  plainLength,
  RequestBody,
  type RequestLine,
  requestLineOf,
  requestOf,
  urlOf,
  withoutUpgrade,
} from "./request.ts";
import type { RequestHandler, ServeConnection, ServedConnection } from "./runtime.ts";
import { Streams } from "./streams.ts";
import type { TlsInside } from "./tls_inside.ts";
import { tunnel } from "./tunnel.ts";
import { Watch } from "./watch.ts";

/** An answer that takes longer is watched for its client's leaving, which it may take long to notice otherwise. */
const WATCH_AFTER_MS = 50;
/** What a client sends of a body that nobody reads any more, before its answer may be lost. */
const LINGER_MS = 500;
const LINGER_BYTES = 1024 * 1024;
const READ_BYTES = 16 * 1024;
const LAST = { fieldsOnly: false, last: true } as const;
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
const SWITCHING = "HTTP/1.1 101 Switching Protocols";

/** Answers what comes on connections. */
export interface Service {
  request(request: Request, caller: Caller): Response | Promise<Response>;
  /** The handshake of a WebSocket, or an answer that refuses it; undefined where no route is for one. */
  upgrade(request: Request, caller: Caller): Upgrade | Response | Promise<Upgrade | Response> | undefined;
}

/** What all connections of a listener have in common. */
export interface Surroundings {
  readonly service: Service;
  /** Where connections are encrypted. */
  readonly tls: TlsInside | undefined;
  readonly maxHeaderBytes: number;
  /** Where the runtime can take a connection over. */
  readonly serve: ServeConnection | undefined;
  readonly inside: Inside;
  readonly emit: Sink;
  readonly onError: (error: unknown) => Response;
}

export class Connection implements CallerConnection {
  readonly address: string;
  /** As it was accepted. */
  readonly #socket: Deno.TcpConn;
  /** What HTTP comes on: the socket, or the TLS over it. */
  #conn: Deno.TcpConn | Deno.TlsConn;
  /** Settles when nothing is on its way from the one to the other. */
  #sent: Promise<void> | undefined;
  readonly #place: Place;
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
    this.#place = place;
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
      this.#place.leave();
      this.#ended.resolve();
    }
  }

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

  drop(reason: string): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#around.emit({ type: "connection.dropped", address: this.address, reason });
    this.#end();
  }

  /** What we write ourselves is watched as it goes; and of requests that share the connection, one says nothing of another. */
  takesWhole(bytes: number): boolean {
    return this.#served !== undefined && this.#streams === undefined && this.#place.takesWhole(bytes);
  }

  /** Ends it after the answer that is under way. */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    if (this.#served) await this.#served.shutdown();
    else if (!this.#place.atWork) this.#end();
    await this.#ended.promise;
  }

  /** Answers a request that the runtime has read, and knows for how long it is at work. */
  readonly handle: RequestHandler = (request, info) => {
    this.#place.begin();
    info.completed.then(this.#done, this.#done);
    const { service } = this.#around;
    const stream = this.#streams?.enter();
    if (!stream) return service.request(request, new Caller(this));
    info.completed.then(stream.leave, stream.leave);
    return service.request(request, new Caller(stream));
  };

  /** Made once: there is a request to each message. */
  readonly #done = (): void => this.#place.done();

  async #course(): Promise<void> {
    if (await this.#speaksHttp2()) {
      this.#streams = new Streams(this);
      return await this.#handOn();
    }
    for (let stream: ByteStream | undefined = this.#conn; stream;) {
      const next: ByteStream | "clean" | undefined = await this.#orRefuse(stream);
      if (next === "clean") return await this.#handOn();
      stream = next;
    }
  }

  /** The handshake of TLS settles the protocol (RFC 7301). */
  async #speaksHttp2(): Promise<boolean> {
    const { tls } = this.#around;
    if (!tls) return false;
    // Another two descriptors.
    this.#place.widen(2);
    const { conn, ended } = await orFull(tls.over(unlessClosed(this.#socket)));
    this.#conn = conn;
    this.#sent = ended;
    const { alpnProtocol } = await conn.handshake();
    return alpnProtocol === "h2";
  }

  /** Nothing is answered yet where this throws. */
  async #orRefuse(stream: ByteStream): Promise<ByteStream | "clean" | undefined> {
    try {
      return await this.#next(stream);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      await writeAnswer(stream, toResponse(error), LAST);
      await this.#linger(stream);
    }
  }

  /** Settles with where the next request may come, or undefined at the end of the connection. */
  async #next(stream: ByteStream): Promise<ByteStream | "clean" | undefined> {
    const received = await readHead(stream, this.#around.maxHeaderBytes);
    if (!received) return undefined;
    const { head: said, bytes, rest } = received;
    const line = requestLineOf(said);
    checkHost(said, line);
    const behind = withBefore(rest, stream);
    const url = urlOf(said, line, this.#around.tls ? "https" : "http");
    const caller = new Caller(this);
    if (url && membersOf(said, "upgrade").includes("websocket")) {
      if (await this.#upgrade({ head: said, line, url, caller }, behind)) return undefined;
    }
    const head = withoutUpgrade(said);
    const wishes = head !== said;
    const length = this.#around.serve && plainLength(head, line);
    if (length === undefined || !url) {
      // Who wishes for another protocol does so with each request, and nobody would take it out of the next one.
      return void await this.#tunnel(withBefore(wishes ? encodeHead(asLast(head)) : bytes, behind));
    }
    const answered = await this.#answer({ head, line, url, caller, length }, behind);
    if (answered instanceof Watch) return answered.rest;
    return answered && (!wishes && hasCaughtUp(behind) ? "clean" : behind);
  }

  // --- the three ways ---

  /** False where no route is for it. */
  async #upgrade({ head, line: { method }, url, caller }: Asked, stream: ByteStream): Promise<boolean> {
    const { service } = this.#around;
    using watching = new Watching(stream);
    const request = requestOf({ head, method, url, leaving: () => watching.leaving() });
    const handshake = service.upgrade(request, caller);
    if (!handshake) return false;
    this.#place.begin();
    try {
      const upgrade = await handshake;
      if (upgrade instanceof Response) {
        await writeAnswer(this.#timed(stream), upgrade, LAST);
        await this.#linger(stream);
        return true;
      }
      const { rest } = watching;
      await this.#switch(upgrade, rest);
      await upgrade.run(rest);
      return true;
    } finally {
      this.#place.done();
    }
  }

  async #switch(upgrade: Upgrade, stream: ByteStream): Promise<void> {
    try {
      await writeAll(
        this.#timed(stream),
        encodeHead({ line: SWITCHING, fields: Object.entries(upgrade.headers) }),
      );
    } catch (error) {
      upgrade.withdraw();
      throw error;
    }
  }

  /** Undefined where the connection ends with the answer. */
  async #answer(asked: Asked & { length: number }, stream: ByteStream) {
    const { head, line: { method }, url, caller, length } = asked;
    const { service } = this.#around;
    const body = length > 0 ? new RequestBody(stream, length) : undefined;
    using watching = new Watching(stream, body);
    const request = requestOf({ head, method, url, body: body?.stream, leaving: () => watching.leaving() });
    this.#place.begin();
    try {
      const response = await service.request(request, caller);
      const last = body?.complete === false || membersOf(head, "connection").includes("close") ||
        this.#stopping;
      const { signal } = watching.gone;
      await writeAnswer(this.#timed(stream), response, { fieldsOnly: method === "HEAD", last, signal });
      if (signal.aborted || last) return void (!signal.aborted && await this.#linger(stream));
      return watching.watch ?? "answered";
    } catch (error) {
      // Half an answer cannot be told from a whole one unless the connection ends with it.
      if (error instanceof GatewayError) return undefined;
      throw error;
    } finally {
      this.#place.done();
    }
  }

  /** To write what the client is to take in time. */
  #timed(stream: ByteStream): Pick<ByteStream, "write"> {
    return {
      write: async (bytes) => {
        this.#place.writing();
        try {
          return await stream.write(bytes);
        } finally {
          this.#place.wrote();
        }
      },
    };
  }

  async #tunnel(stream: ByteStream): Promise<void> {
    // Another two descriptors.
    this.#place.widen(2);
    await tunnel(stream, await orFull(this.#around.inside.open(this)));
  }

  async #handOn(): Promise<void> {
    const { serve, onError } = this.#around;
    if (!serve) return await this.#tunnel(this.#conn);
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

  /** To close a connection in which something is unread would take the answer back. */
  async #linger(stream: ByteStream): Promise<void> {
    await this.#conn.closeWrite();
    const ended = discard(stream, LINGER_BYTES);
    await within(LINGER_MS, ended);
  }
}

function ignore(): void {}

interface Asked {
  readonly head: Head;
  readonly line: RequestLine;
  readonly url: URL;
  readonly caller: Caller;
}

/**
 * Looks whether the client is still there, once all of its request has been read: after a while, or as soon as somebody
 * wants to know.
 */
class Watching implements Disposable {
  readonly gone = new AbortController();
  watch: Watch | undefined;
  readonly #stream: ByteStream;
  #isRead: boolean;
  #isWanted = false;
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stream: ByteStream, body?: RequestBody) {
    this.#stream = stream;
    this.#isRead = body === undefined;
    if (body) body.onComplete = () => this.#beginSoon();
    else this.#beginSoon();
  }

  /** Fires when it is gone. */
  leaving(): AbortSignal {
    this.#isWanted = true;
    if (this.#isRead) this.#begin();
    return this.gone.signal;
  }

  get rest(): ByteStream {
    this[Symbol.dispose]();
    return this.watch?.rest ?? this.#stream;
  }

  [Symbol.dispose](): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #beginSoon(): void {
    if (this.#over) return;
    this.#isRead = true;
    if (this.#isWanted) this.#begin();
    else this.#timer = setTimeout(() => this.#begin(), WATCH_AFTER_MS);
  }

  #begin(): void {
    clearTimeout(this.#timer);
    if (this.#over) return;
    this.watch ??= new Watch(this.#stream, () => this.gone.abort());
  }
}

async function discard(stream: ByteStream, maxBytes: number): Promise<void> {
  const bytes = new Uint8Array(READ_BYTES);
  for (let left = maxBytes; left > 0;) {
    const count = await stream.read(bytes);
    if (count === null) return;
    left -= count;
  }
}

/** Rejects with BusyError where there is no file descriptor left: that is no fault, and passes. */
async function orFull<T>(opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (cause) {
    if (!isOutOfDescriptors(cause)) throw cause;
    throw new BusyError("Too many connections: no file descriptor is left", { cause });
  }
}

/** By its far end, by junk in place of TLS, or by us. */
function isBroken(error: unknown): boolean {
  return BROKEN.some((kind) => error instanceof kind);
}
