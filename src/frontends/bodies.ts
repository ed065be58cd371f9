/**
 * The bodies of requests as they arrive: each within a size and a time, and all together within a number of bytes, which
 * is asked before one is read.
 */
import type { BodyCheck, Caller } from "../core/caller.ts";
import { GatewayError, RequestError, TooLargeError } from "../core/errors.ts";
import type { Ticket, TimeLimit } from "../base/time_limit.ts";
import { GatheredText } from "../wire/gathered_text.ts";
import type { BodyShares, Failing } from "./body_shares.ts";
import { checked } from "./checked_body.ts";
import { packingOf, unpacked, unreadableBody } from "./packed_body.ts";

/** What is not larger is not counted, since connections are bounded; and the runtime has a fast way to read it. */
const SMALL_BYTES = 16 * 1024;
/** Time for the answer to leave before the connection is dropped. */
const FAREWELL_MS = 1_000;

/** Whose body it is. */
type Reader = Pick<Caller, "drop"> & { readonly bodyCheck?: BodyCheck | undefined };

export class Bodies {
  readonly #maxBytes: number;
  readonly #shares: BodyShares;
  /** Made once: there is a body to each message. */
  readonly #ofSmall: BodyOptions;
  readonly #ofCounted: BodyOptions;

  /** Of one server: `maxBytes` is for each body. */
  constructor(maxBytes: number, shares: BodyShares) {
    this.#maxBytes = maxBytes;
    this.#shares = shares;
    this.#ofSmall = { maxBytes, timeLimit: shares.small };
    this.#ofCounted = { maxBytes, timeLimit: shares.counted, budget: shares };
  }

  /** Throws for what is refused without being read: TooLargeError 413, BusyError 503 and RequestError 415. */
  expect(request: Request, caller?: Reader): Body {
    const announced = request.headers.get("content-length");
    const bytes = announced === null ? undefined : Number(announced);
    if (bytes !== undefined && bytes > this.#maxBytes) throw tooLarge(this.#maxBytes);
    const encoding = request.headers.get("content-encoding");
    const packing = encoding === null ? undefined : packingOf(encoding);
    // What it unpacks to is counted as it comes, and how much that is nobody has announced.
    if (packing) return new Body(request, { ...this.#ofCounted, packing }, caller);
    if (bytes !== undefined && bytes <= SMALL_BYTES) return new Body(request, this.#ofSmall, caller);
    const body = new Body(request, this.#ofCounted, caller);
    if (bytes !== undefined) body.count(bytes);
    return body;
  }

  /** For what arrives in another way than as the body of a request; `fail` is called when it may not go on. */
  arrival(fail: (error: GatewayError) => void): Arrival {
    return new Arrival(this.#shares, fail);
  }
}

/** The messages of one connection, one after the other. */
export class Arrival implements Failing {
  readonly #shares: BodyShares;
  readonly #fail: (error: GatewayError) => void;
  #bytes = 0;
  #counted = 0;
  #ticket: Ticket<Failing> | undefined;

  constructor(shares: BodyShares, fail: (error: GatewayError) => void) {
    this.#shares = shares;
    this.#fail = fail;
  }

  /** So much more is held of the message. Throws BusyError where there is no room for it. */
  take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= SMALL_BYTES) return;
    const uncounted = this.#bytes - this.#counted;
    this.#shares.reserve(uncounted);
    if (this.#counted === 0) this.#enter();
    this.#counted += uncounted;
  }

  /** It has come, or will not. Idempotent. */
  leave(): void {
    this.#bytes = 0;
    if (this.#counted === 0) return;
    this.#shares.giveBack(this.#counted);
    this.#counted = 0;
    if (this.#ticket) this.#shares.counted?.delete(this.#ticket);
  }

  fail(error: GatewayError): void {
    this.leave();
    this.#fail(error);
  }

  /** Its time counts anew with each message. */
  #enter(): void {
    const { counted: timeLimit } = this.#shares;
    if (this.#ticket) timeLimit?.renew(this.#ticket);
    else this.#ticket = timeLimit?.add(this);
  }
}

interface BodyOptions {
  readonly maxBytes: number;
  readonly timeLimit: TimeLimit<Failing> | undefined;
  /** How it comes packed. */
  readonly packing?: CompressionFormat;
  /** Undefined for what is not counted. */
  readonly budget?: Pick<BodyShares, "reserve" | "giveBack">;
}

/** The body of one request. */
export class Body {
  readonly #request: Request;
  readonly #options: BodyOptions;
  readonly #caller: Reader | undefined;
  #ticket: Ticket<Failing> | undefined;
  #fail: ((error: unknown) => void) | undefined;
  #counted = 0;
  #over = false;
  /** What has come so far. A field and not a variable, since a read that never settles would keep that alive. */
  readonly #come = new GatheredText();

  constructor(request: Request, options: BodyOptions, caller: Reader | undefined) {
    this.#request = request;
    this.#options = options;
    this.#caller = caller;
  }

  /** Throws BusyError where there is no room for so much more. */
  count(bytes: number): void {
    this.#options.budget?.reserve(bytes);
    this.#counted += bytes;
  }

  /**
   * Gives the text to `receive`, and keeps nothing of it; or an error to `fail`: what `receive` throws, or GatewayError: 408,
   * 413, 503, or 400 where it broke off. No promise, since there is a body to each message.
   */
  read(receive: (text: string) => void, fail: (error: unknown) => void): void {
    const { timeLimit, budget } = this.#options;
    this.#fail = fail;
    this.#ticket = timeLimit?.add(this);
    const piecewise = budget !== undefined || this.#caller?.bodyCheck !== undefined;
    const read = piecewise ? this.#gather() : this.#request.text();
    read.then((text) => this.#deliver(text, receive), (error) => this.#broken(error));
  }

  /** The text has gone where it is counted otherwise, or is of no use any more. Idempotent. */
  release(): void {
    this.#over = true;
    if (this.#ticket) this.#options.timeLimit?.delete(this.#ticket);
    this.#come.forget();
    if (this.#counted > 0) this.#options.budget?.giveBack(this.#counted);
    this.#counted = 0;
  }

  /** Waits no longer. */
  fail(error: GatewayError): void {
    this.release();
    this.#fail?.(error);
    // The runtime itself waits for the rest of a body, as long as its client is there.
    const caller = this.#caller;
    if (caller) setTimeout(() => caller.drop(error.message), FAREWELL_MS);
  }

  #deliver(text: string, receive: (text: string) => void): void {
    // Its client was answered meanwhile: what comes too late must not be done.
    if (this.#over) return;
    if (this.#ticket) this.#options.timeLimit?.delete(this.#ticket);
    try {
      receive(text);
    } catch (error) {
      this.release();
      this.#fail?.(error);
    }
  }

  #broken(cause: unknown): void {
    if (this.#over) return;
    this.release();
    this.#fail?.(cause instanceof GatewayError ? cause : unreadableBody(this.#options.packing, cause));
  }

  #bytes(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    const { packing } = this.#options;
    const check = this.#caller?.bodyCheck;
    const body = check ? checked(this.#request.body, check) : this.#request.body;
    return body && packing ? unpacked(body, packing) : body;
  }

  /** Reads piece by piece, so that reading can be left, and nothing is held twice. */
  async #gather(): Promise<string> {
    const reader = this.#bytes()?.getReader();
    const { maxBytes } = this.#options;
    const announced = this.#counted;
    for (let size = 0; reader;) {
      const { value, done } = await reader.read();
      if (done) break;
      size += value.length;
      try {
        if (this.#over) throw new RequestError("Bad Request: the body came too late");
        if (size > maxBytes) throw tooLarge(maxBytes);
        // With a length announced the HTTP framing itself bounds what arrives.
        if (announced === 0) this.count(value.length);
      } catch (error) {
        // Not awaited: what else comes is of no interest.
        reader.cancel().catch(() => {});
        throw error;
      }
      this.#come.push(value, announced);
    }
    return this.#come.take();
  }
}

function tooLarge(maxBytes: number): TooLargeError {
  return new TooLargeError(`Payload Too Large: the limit is ${maxBytes} bytes`);
}
