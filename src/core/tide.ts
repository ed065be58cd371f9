/**
 * Notices when much is held, and when it is gone. Several times as much was made on its way, and V8 looks for garbage
 * when it wants room: with much memory to take, it would take hundreds of MB before, and keep them as long as nothing
 * happens.
 */

const MB = 1024 * 1024;
/** Of less nobody would notice; who reads what he asks for never has so much waiting. */
const MUCH_BYTES = 16 * MB;
/** So much that comes to it, or goes from it, is worth a look. */
const STEP_BYTES = 16 * MB;
/** What comes and goes all the time is not worth it more often; and who held it has let go by then. */
const SETTLED_MS = 2_000;

export interface TideOptions {
  /** Much comes and goes while much is held. */
  readonly onFlow: () => void;
  /** Most of it is gone, since a while. */
  readonly onEbb: () => void;
}

export class Tide {
  readonly #options: TideOptions;
  #level = 0;
  /** Since the last ebb. */
  #most = 0;
  /** What came and went since the last look. */
  #flown = 0;
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TideOptions) {
    this.#options = options;
  }

  /** So much is held now. */
  level(bytes: number): void {
    const change = Math.abs(bytes - this.#level);
    this.#level = bytes;
    if (bytes > this.#most) this.#most = bytes;
    if (bytes > MUCH_BYTES) this.#flow(change);
    if (this.#most > MUCH_BYTES && bytes < this.#most / 4) this.#ebb(bytes);
  }

  #flow(change: number): void {
    this.#flown += change;
    if (this.#flown < STEP_BYTES) return;
    this.#flown = 0;
    this.#options.onFlow();
  }

  #ebb(bytes: number): void {
    this.#most = bytes;
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.#options.onEbb();
    }, SETTLED_MS);
  }
}
