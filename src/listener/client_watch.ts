/** Whether the client of a request is still there while its answer is under way. */
import type { ByteStream } from "../wire/byte_stream.ts";
import { LookAhead } from "./look_ahead.ts";
import type { RequestBody } from "./request.ts";

/** An answer that takes longer is watched for its client's leaving, which it may take long to notice otherwise. */
const WATCH_AFTER_MS = 50;

/** Looks once all of the request has been read: after a while, or as soon as somebody wants to know. */
export class ClientWatch implements Disposable {
  readonly #gone = new AbortController();
  #ahead: LookAhead | undefined;
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

  /** As `leaving`, but to ask for it begins no watch. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Fires when the client is gone, for who wants to know. */
  leaving(): AbortSignal {
    this.#isWanted = true;
    if (this.#isRead) this.#begin();
    return this.gone;
  }

  /** Ends the watch. What comes next is read from the stream that this returns. */
  end(): ByteStream {
    this[Symbol.dispose]();
    return this.#ahead?.rest ?? this.#stream;
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
    this.#ahead ??= new LookAhead(this.#stream, () => this.#gone.abort());
  }
}
