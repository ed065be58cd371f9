/**
 * The body of an answer on its way to a client: what the client does not take is held here, in pieces, so that it is
 * counted and can be let go. The runtime holds one piece at most.
 */
import type { Caller } from "../core/caller.ts";
import type { LimitError } from "../core/errors.ts";
import type { Account, Unread } from "../core/unread.ts";

/** How much may wait for a client that reads slowly before the sender is held back. */
const HIGH_WATER_BYTES = 64 * 1024;

export interface OutgoingOptions {
  /** For the log. */
  readonly session: string;
  readonly unread: Unread;
  /** The connection, where it is known: to break off the body does not end one on which a write is stuck. */
  readonly caller?: Caller | undefined;
  /** The client went away, or was given up; not called when we end the body. */
  readonly onGone?: (() => void) | undefined;
  /** The client has caught up with what was sent. */
  readonly onRoom?: (() => void) | undefined;
}

/** A part of a message, and what waits behind it. */
interface Piece {
  readonly bytes: Uint8Array;
  /** How many messages end with it. */
  readonly ends: 0 | 1;
  next: Piece | undefined;
}

export class Outgoing {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: OutgoingOptions;
  readonly #account: Account;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #oldest: Piece | undefined;
  #youngest: Piece | undefined;
  /** Of the pieces. */
  #bytes = 0;
  #messages = 0;
  #room: PromiseWithResolvers<void> | undefined;
  /** Something can still be said. */
  #open = true;
  /** Nothing can reach the client any more. */
  #over = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#account = options.unread.account({
      session: options.session,
      giveUp: (error) => this.#giveUp(error),
    });
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => this.#left(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_BYTES }));
  }

  get open(): boolean {
    return this.#open;
  }

  /** True while the client is behind with reading. */
  get full(): boolean {
    return this.#oldest !== undefined || (this.#controller.desiredSize ?? 0) <= 0;
  }

  /** Takes one message; a returned promise settles when the client has caught up. */
  send(bytes: Uint8Array): Promise<void> | void {
    if (!this.#open) return;
    if (this.full || bytes.length > HIGH_WATER_BYTES) {
      this.#keep(bytes);
      this.#feed();
    } else this.#controller.enqueue(bytes);
    this.#count();
    // The runtime may find out in the middle of `enqueue` that the client is gone: then nobody makes room any more.
    if (!this.#open || !this.full) return;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Ends the body after what was sent. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#release();
    if (!this.#oldest) this.#close();
  }

  #pull(): void {
    this.#feed();
    this.#count();
    if (this.#over || this.full) return;
    if (!this.#open) return this.#close();
    this.#release();
    this.#options.onRoom?.();
  }

  #keep(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.#messages++;
    for (let from = 0; from < bytes.length; from += HIGH_WATER_BYTES) {
      const to = from + HIGH_WATER_BYTES;
      const ends = to < bytes.length ? 0 : 1;
      const piece: Piece = { bytes: bytes.subarray(from, to), ends, next: undefined };
      if (this.#youngest) this.#youngest.next = piece;
      else this.#oldest = piece;
      this.#youngest = piece;
    }
  }

  /** Hands on as much as is wanted. */
  #feed(): void {
    while (this.#oldest && !this.#over && (this.#controller.desiredSize ?? 0) > 0) {
      const { bytes, ends, next } = this.#oldest;
      this.#oldest = next;
      if (!next) this.#youngest = undefined;
      this.#bytes -= bytes.length;
      this.#messages -= ends;
      // A copy, since the runtime keeps what it cannot write, and a part would keep the whole alive.
      this.#controller.enqueue(bytes.slice());
    }
  }

  #count(): void {
    if (this.#over) return;
    const inStream = HIGH_WATER_BYTES - (this.#controller.desiredSize ?? HIGH_WATER_BYTES);
    this.#account.owe(this.#messages + (inStream > 0 ? 1 : 0), this.#bytes + inStream);
  }

  #close(): void {
    this.#over = true;
    this.#controller.close();
    // What the stream itself still has is little, and has the time that it takes.
    this.#account.owe(0, 0);
  }

  #left(): void {
    this.#forget();
    this.#account.owe(0, 0);
    this.#options.onGone?.();
  }

  #giveUp(error: LimitError): void {
    if (this.#over) return;
    const { caller, onGone } = this.#options;
    const wasOpen = this.#open;
    this.#forget();
    this.#controller.error(error);
    caller?.drop(error.message);
    if (wasOpen) onGone?.();
  }

  #forget(): void {
    this.#open = false;
    this.#over = true;
    this.#oldest = this.#youngest = undefined;
    this.#bytes = this.#messages = 0;
    this.#release();
  }

  #release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
