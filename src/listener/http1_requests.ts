/**
 * The requests of HTTP/1.1 that we read ourselves, and the three ways that they go. A WebSocket is run by us; plain
 * requests are answered by us until the connection can be handed on to the runtime; what is not plain goes through a
 * tunnel to the runtime from its first byte on.
 */
import { Caller, type CallerConnection } from "../core/caller.ts";
import { GatewayError, toResponse } from "../core/errors.ts";
import { type ByteStream, hasCaughtUp, withBefore, writeAll } from "../wire/byte_stream.ts";
import { encodeHead, type Head, membersOf, readHead } from "../wire/http_head.ts";
import type { Upgrade } from "../wire/upgrade.ts";
import { writeAnswer } from "./answer.ts";
import { ClientWatch } from "./client_watch.ts";
import type { Handling } from "./inside.ts";
import { linger } from "./linger.ts";
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
import type { Surroundings } from "./service.ts";

const LAST = { fieldsOnly: false, last: true } as const;
const SWITCHING = "HTTP/1.1 101 Switching Protocols";

/** Whose connection it is. */
export interface ConnectionOwner extends CallerConnection, Handling {
  /** Whether the connection is to end after the answer that is under way. */
  readonly stopping: boolean;
}

/** A request, as far as its head tells of it. */
interface Asked {
  readonly head: Head;
  readonly line: RequestLine;
  readonly url: URL;
  readonly caller: Caller;
}

interface PlainlyAsked extends Asked {
  /** Of the body, in bytes. */
  readonly length: number;
}

/** Where the next request may come: on this stream, or, with nothing read ahead of it, on the connection as it is. */
type Next = ByteStream | "clean";

export class Http1Requests {
  readonly #conn: Deno.Conn;
  readonly #owner: ConnectionOwner;
  readonly #around: Surroundings;

  constructor(conn: Deno.Conn, owner: ConnectionOwner, around: Surroundings) {
    this.#conn = conn;
    this.#owner = owner;
    this.#around = around;
  }

  /** Settles with "clean" when the runtime may have the connection, else at its end. Rejects where it breaks. */
  async answerAll(): Promise<"clean" | undefined> {
    let next: Next | undefined = this.#conn;
    while (next && next !== "clean") next = await this.#nextOrRefusal(next);
    return next;
  }

  /** Nothing is answered yet where this throws. */
  async #nextOrRefusal(stream: ByteStream): Promise<Next | undefined> {
    try {
      return await this.#next(stream);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      await writeAnswer(stream, toResponse(error), LAST);
      await linger(this.#conn, stream);
    }
  }

  /** Settles with where the next request may come, or undefined at the end of the connection. */
  async #next(stream: ByteStream): Promise<Next | undefined> {
    const received = await readHead(stream, this.#around.maxHeaderBytes);
    if (!received) return undefined;
    const { head: said, bytes, rest } = received;
    const line = requestLineOf(said);
    checkHost(said, line);
    const behind = withBefore(rest, stream);
    const url = urlOf(said, line, this.#around.tls ? "https" : "http");
    const caller = new Caller(this.#owner);
    if (url && membersOf(said, "upgrade").includes("websocket")) {
      if (await this.#upgrade({ head: said, line, url, caller }, behind)) return undefined;
    }
    const head = withoutUpgrade(said);
    const wishes = head !== said;
    const length = this.#around.serve && plainLength(head, line);
    if (length === undefined || !url) {
      // Who wishes for another protocol does so with each request, and nobody would take it out of the next one.
      const first = wishes ? encodeHead(asLast(head)) : bytes;
      return void await this.#around.inside.relay(withBefore(first, behind), this.#owner);
    }
    const after = await this.#answer({ head, line, url, caller, length }, behind);
    return after && !wishes && hasCaughtUp(after) ? "clean" : after;
  }

  // --- the three ways ---

  /** False where no route is for it. */
  async #upgrade({ head, line: { method }, url, caller }: Asked, stream: ByteStream): Promise<boolean> {
    const { service } = this.#around;
    const { place } = this.#owner;
    using watch = new ClientWatch(stream);
    const request = requestOf({ head, method, url, leaving: () => watch.leaving() });
    const handshake = service.upgrade(request, caller);
    if (!handshake) return false;
    place.begin();
    try {
      const upgrade = await handshake;
      if (upgrade instanceof Response) {
        await writeAnswer(timed(stream, place), upgrade, LAST);
        await linger(this.#conn, stream);
        return true;
      }
      const rest = watch.end();
      await switchProtocol(upgrade, timed(rest, place));
      await upgrade.run(rest);
      return true;
    } finally {
      place.done();
    }
  }

  /** Settles with where the next request comes; undefined where the connection ends with the answer. */
  async #answer(asked: PlainlyAsked, stream: ByteStream): Promise<ByteStream | undefined> {
    const { head, line: { method }, url, caller, length } = asked;
    const { place } = this.#owner;
    const body = length > 0 ? new RequestBody(stream, length) : undefined;
    using watch = new ClientWatch(stream, body);
    const request = requestOf({ head, method, url, body: body?.stream, leaving: () => watch.leaving() });
    place.begin();
    try {
      const response = await this.#around.service.request(request, caller);
      const last = body?.complete === false || membersOf(head, "connection").includes("close") ||
        this.#owner.stopping;
      const signal = watch.gone;
      await writeAnswer(timed(stream, place), response, { fieldsOnly: method === "HEAD", last, signal });
      if (signal.aborted) return undefined;
      if (last) return void await linger(this.#conn, stream);
      return watch.end();
    } catch (error) {
      // Half an answer cannot be told from a whole one unless the connection ends with it.
      if (error instanceof GatewayError) return undefined;
      throw error;
    } finally {
      place.done();
    }
  }
}

async function switchProtocol(upgrade: Upgrade, stream: Pick<ByteStream, "write">): Promise<void> {
  try {
    await writeAll(
      stream,
      encodeHead({ line: SWITCHING, fields: Object.entries(upgrade.headers) }),
    );
  } catch (error) {
    upgrade.withdraw();
    throw error;
  }
}

/** To write what the client is to take in time. */
function timed(stream: ByteStream, place: Place): Pick<ByteStream, "write"> {
  return {
    write: async (bytes) => {
      place.writing();
      try {
        return await stream.write(bytes);
      } finally {
        place.wrote();
      }
    },
  };
}
