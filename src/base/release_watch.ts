/**
 * Notices when much was held and most of it is gone. Several times as much was made on its way, and V8 looks for garbage
 * when it wants room: as long as nothing else happens, it would keep hundreds of MB.
 */

/** Of less nobody would notice; who reads what he asks for never has so much waiting. */
const MUCH_BYTES = 16 * 1024 * 1024;
const LITTLE_BYTES = MUCH_BYTES / 4;
/** Who held it has let go by then. Where as much is held again before, there is no rest in which to make order. */
const SETTLED_MS = 2_000;

export class ReleaseWatch {
  readonly #onReleased: () => void;
  /** Was held, and is not known to be gone. */
  #much = false;
  #settling: ReturnType<typeof setTimeout> | undefined;

  /** `onReleased` is called a while after most is gone. */
  constructor(onReleased: () => void) {
    this.#onReleased = onReleased;
  }

  /** So much is held now, in bytes. */
  level(bytes: number): void {
    if (bytes > MUCH_BYTES) {
      this.#much = true;
      clearTimeout(this.#settling);
      this.#settling = undefined;
    } else if (this.#much && bytes < LITTLE_BYTES) {
      this.#much = false;
      this.#settling = setTimeout(this.#onReleased, SETTLED_MS);
    }
  }
}
