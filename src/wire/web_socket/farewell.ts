/**
 * The end of a WebSocket: each side says goodbye, then the server hangs up, which a client leaves to it (RFC 6455,
 * section 7.1.1). Neither waits long for the other.
 */
import type { Side } from "./frames.ts";

/** How long the far side may need to take a goodbye, and then to answer it. */
const FAREWELL_MS = 1_000;

export class Farewell {
  readonly #side: Side;
  readonly #hangUp: () => void;
  #open = true;
  #said = false;
  #heard = false;
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `hangUp` is called when it is time to, or the far side was waited for long enough. */
  constructor(side: Side, hangUp: () => void) {
    this.#side = side;
    this.#hangUp = hangUp;
  }

  /** Whether no goodbye was said here. */
  get open(): boolean {
    return this.#open;
  }

  /** Whether the connection has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Our own goodbye is to be said. False where it was before, or the connection has ended. */
  begin(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    this.#partOrWait();
    return true;
  }

  /** Our own goodbye is written. */
  said(): void {
    this.#said = true;
    this.#partOrWait();
  }

  /** The far side has said its own. */
  heard(): void {
    this.#heard = true;
    this.#partOrWait();
  }

  /** The connection has ended. False where it had before. */
  end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#open = false;
    clearTimeout(this.#timer);
    return true;
  }

  #partOrWait(): void {
    if (this.#over) return;
    if (this.#said && this.#heard && this.#side === "server") return this.#hangUp();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#hangUp, FAREWELL_MS);
  }
}
