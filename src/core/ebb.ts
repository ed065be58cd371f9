/**
 * Notices that much was held and is gone. Many times as much was made on its way, and V8, which looks for garbage when it
 * wants room, would keep all that for as long as nothing happens.
 */

/** Of less nobody would notice. */
const MUCH_BYTES = 32 * 1024 * 1024;
/** What comes and goes all the time is not worth it more often; and who held it has let go by then. */
const SETTLED_MS = 2_000;

export class Ebb {
  readonly #onEbb: () => void;
  #most = 0;
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(onEbb: () => void) {
    this.#onEbb = onEbb;
  }

  /** So much is held now. */
  level(bytes: number): void {
    if (bytes > this.#most) this.#most = bytes;
    else if (this.#most > MUCH_BYTES && bytes < this.#most / 4) this.#ebb(bytes);
  }

  #ebb(bytes: number): void {
    this.#most = bytes;
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.#onEbb();
    }, SETTLED_MS);
  }
}
