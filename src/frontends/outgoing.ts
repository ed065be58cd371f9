/**
 * The body of an answer on its way to a client: what the client does not take is held here, in pieces, so that it is
 * counted and can be let go. The runtime holds one piece at most.
 */
import type { Caller } from "../core/caller.ts";
import type { BusyError } from "../core/errors.ts";
import type { Account, Accounts } from "../core/unread.ts";
import { freeMemory } from "../wire/free_memory.ts";
import { piecesOf } from "../wire/pieces.ts";

/** How much may wait for a client that reads slowly before the sender is held back. */
const HIGH_WATER_BYTES = 64 * 1024;
/** What is larger goes out in pieces of this size; few characters take more than a byte. */
const PIECE_CHARS = 64 * 1024;

const encoder = new TextEncoder();

export interface OutgoingOptions {
  /** For the log. */
  readonly session: string;
  readonly unread: Accounts;
  /** The connection, where it is known: to break off the body does not end one on which a write is stuck. */
  readonly caller?: Pick<Caller, "drop"> | undefined;
  /** The client went away, or was given up; not called when we end the body. */
  readonly onGone?: (() => void) | undefined;
  /** The client has caught up with what was sent. */
  readonly onRoom?: (() => void) | undefined;
}

/** A part of a message, and what waits behind it. */
interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many messages end with it. */
  ends: 0 | 1;
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
  #isOpen = true;
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

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True while the client is behind with reading. */
  get full(): boolean {
    return this.#oldest !== undefined || (this.#controller.desiredSize ?? 0) <= 0;
  }

  /** Takes one message; a returned promise settles when the client has caught up. */
  send(text: string): Promise<void> | void {
    if (!this.#isOpen) return;
    if (this.full || text.length > PIECE_CHARS) {
      this.#keep(text);
      this.#feed();
    } else this.#controller.enqueue(encoder.encode(text));
    this.#count();
    // The runtime may find out in the middle of `enqueue` that the client is gone: then nobody makes room any more.
    if (!this.#isOpen || !this.full) return;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Ends the body after what was sent. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#release();
    if (!this.#oldest) this.#close();
  }

  #pull(): void {
    this.#feed();
    this.#count();
    if (this.#over || this.full) return;
    if (!this.#isOpen) return this.#close();
    this.#release();
    this.#options.onRoom?.();
  }

  /** Copies the text in pieces: a view of a part would keep the whole alive, which is counted nowhere. */
  #keep(text: string): void {
    this.#messages++;
    let last: Piece | undefined;
    for (const part of piecesOf(text, PIECE_CHARS)) {
      const bytes = encoder.encode(part);
      last = { bytes, ends: 0, next: undefined };
      this.#bytes += bytes.length;
      if (this.#youngest) this.#youngest.next = last;
      else this.#oldest = last;
      this.#youngest = last;
    }
    if (last) last.ends = 1;
  }

  /** Hands on as much as is wanted. */
  #feed(): void {
    while (this.#oldest && !this.#over && (this.#controller.desiredSize ?? 0) > 0) {
      const { bytes, ends, next } = this.#oldest;
      this.#oldest = next;
      if (!next) this.#youngest = undefined;
      this.#bytes -= bytes.length;
      this.#messages -= ends;
      this.#controller.enqueue(bytes);
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

  #giveUp(error: BusyError): void {
    if (this.#over) return;
    const { caller, onGone } = this.#options;
    const wasOpen = this.#isOpen;
    this.#forget();
    this.#controller.error(error);
    caller?.drop(error.message);
    if (wasOpen) onGone?.();
  }

  #forget(): void {
    this.#isOpen = false;
    this.#over = true;
    for (let piece = this.#oldest; piece; piece = piece.next) freeMemory(piece.bytes);
    this.#oldest = this.#youngest = undefined;
    this.#bytes = this.#messages = 0;
    this.#release();
  }

  #release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
