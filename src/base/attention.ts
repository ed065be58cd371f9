/** Whether all that came has been looked at: what is being passed on may have more waiting behind it. */

/** A message that waits is taken within a few microtasks. */
const TURNS = 8;

export class Attention {
  #heard = 0;
  /** Waiting for the next message. */
  #listening = true;

  /** Another message is being looked at. */
  hear(): void {
    this.#heard++;
  }

  /** Nothing more is looked at until the work is done. */
  async whileDeaf(work: Promise<void>): Promise<void> {
    this.#listening = false;
    try {
      await work;
    } finally {
      this.#listening = true;
    }
  }

  /** Settles when all that waited has been looked at, or when the time is over. */
  async caughtUp(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (let seen = -1; seen !== this.#heard || !this.#listening;) {
      if (performance.now() > deadline) return;
      seen = this.#heard;
      // One that is being passed on takes its time.
      if (this.#listening) { for (let turn = 0; turn < TURNS; turn++) await undefined; }
      else await new Promise((resolve) => setTimeout(resolve));
    }
  }
}
