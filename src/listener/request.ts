/** A request of HTTP/1.1 on a connection whose bytes are ours, as far as that is plain: the runtime reads the rest. */
import { RequestError } from "../core/errors.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import { fieldOf, type Head, membersOf } from "../wire/http_head.ts";

export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly version: string;
}

/** A method and a target (RFC 9112, section 3). */
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) (HTTP\/\d\.\d)$/;
/** What the Fetch standard lets a request be made of; the runtime answers the others. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
const BODYLESS = ["GET", "HEAD"];
/** What a wish for another protocol says, of HTTP/2 in clear as well (RFC 7540, section 3.2). */
const UPGRADE_FIELDS = ["upgrade", "http2-settings"];
const READ_BYTES = 16 * 1024;
/** A piece of less than this part of it does not get the memory that it was read into. */
const LITTLE = 16;

/** Throws RequestError 400. */
export function requestLineOf({ line }: Head): RequestLine {
  const [, method, target, version] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined || version === undefined) {
    throw new RequestError("Bad Request: the request line is malformed");
  }
  return { method, target, version };
}

/** Throws RequestError 400 where it is not clear who is meant (RFC 9112, section 3.2). */
export function checkHost(head: Head, { version }: RequestLine): void {
  const hosts = head.fields.filter(([name]) => name === "host");
  if (hosts.length > 1) throw new RequestError("Bad Request: more than one Host");
  if (hosts.length === 0 && version === "HTTP/1.1") throw new RequestError("Bad Request: no Host");
}

/**
 * The length of the body where it is known how to read it and what follows it; undefined for all that is left to the
 * runtime: other versions, bodies in chunks, contradictions, and what `Expect` asks for.
 */
export function plainLength(head: Head, { method, version }: RequestLine): number | undefined {
  const lengths = head.fields.filter(([name]) => name === "content-length").map(([, value]) => value);
  const [length = "0"] = lengths;
  const known = version === "HTTP/1.1" && METHODS.includes(method) && lengths.length < 2 &&
    /^\d{1,15}$/.test(length) && (!BODYLESS.includes(method) || Number(length) === 0);
  const asked = ["transfer-encoding", "expect"].some((name) => fieldOf(head, name) !== undefined);
  const kept = membersOf(head, "connection").every((member) => member === "keep-alive" || member === "close");
  return known && !asked && kept ? Number(length) : undefined;
}

/**
 * The head without a wish for another protocol, such as HTTP/2 in clear; the same one where there is none. A server may
 * ignore it (RFC 9110, section 7.8), while the runtime refuses each request with a body that has one.
 */
export function withoutUpgrade(head: Head): Head {
  const members = membersOf(head, "connection");
  // Many a proxy says the one to everybody, and the other in a later request of the same connection.
  if (fieldOf(head, "upgrade") === undefined && !members.includes("upgrade")) return head;
  const kept = members.filter((member) => !UPGRADE_FIELDS.includes(member));
  return withConnection(head, kept, UPGRADE_FIELDS);
}

/** The same request, as the last one of its connection. */
export function asLast(head: Head): Head {
  return withConnection(head, ["close"]);
}

function withConnection(
  { line, fields }: Head,
  members: readonly string[],
  less: readonly string[] = [],
): Head {
  const others = fields.filter(([name]) => name !== "connection" && !less.includes(name));
  return { line, fields: members.length > 0 ? [...others, ["connection", members.join(", ")]] : others };
}

/**
 * Where it is to; undefined where Host and target make no URL, or one that is written in another way (with dots in its
 * path, or as a whole): the runtime hands it on as it came, and so its path is judged as it came.
 */
export function urlOf(head: Head, { target }: RequestLine, scheme: "http" | "https"): URL | undefined {
  const host = fieldOf(head, "host");
  if (!host || /[\s/?#@\\]/.test(host)) return undefined;
  const url = URL.parse(`${scheme}://${host}${target}`);
  return url && url.pathname + url.search === target ? url : undefined;
}

export interface RequestParts {
  readonly head: Head;
  readonly method: string;
  readonly url: URL;
  readonly body?: ReadableStream<Uint8Array> | undefined;
  /** Gives the signal that fires when the client is gone; asked for by who wants to know. */
  readonly leaving: () => AbortSignal;
}

/** As the runtime would make it. Throws RequestError 400. */
export function requestOf({ head, method, url, body, leaving }: RequestParts): Request {
  try {
    const headers = head.fields.map(([name, value]): [string, string] => [name, value]);
    const request = new Request(url, { method, headers, ...(body && { body }) });
    return Object.defineProperty(request, "signal", { get: leaving });
  } catch (cause) {
    throw new RequestError("Bad Request: its fields cannot be read", { cause });
  }
}

/** The body of a request, which is followed by the next one. */
export class RequestBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** Called when all of it was read. */
  onComplete: (() => void) | undefined;
  readonly #source: ByteStream;
  #left: number;
  /** What nothing was read into yet. */
  #memory: Uint8Array<ArrayBuffer> | undefined;

  constructor(source: ByteStream, length: number) {
    this.#source = source;
    this.#left = length;
    this.stream = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        controller.enqueue(await this.#read());
        if (!this.complete) return;
        controller.close();
        this.onComplete?.();
      },
    }, { highWaterMark: 0 });
  }

  /** Each piece has memory of its own, a small one no more than it needs: a body may come a byte at a time. */
  async #read(): Promise<Uint8Array<ArrayBuffer>> {
    const memory = this.#memory ?? new Uint8Array(Math.min(READ_BYTES, this.#left));
    this.#memory = undefined;
    const count = await this.#source.read(memory);
    if (count === null) throw new RequestError("Bad Request: the body broke off");
    this.#left -= count;
    if (count * LITTLE > memory.length) return memory.subarray(0, count);
    if (memory.length <= this.#left) this.#memory = memory;
    return memory.slice(0, count);
  }

  /** Whether all of it was read. */
  get complete(): boolean {
    return this.#left === 0;
  }
}
