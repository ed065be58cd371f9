/** Runs one after the other what would lose its order at once. */
export class Sequence {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(step: () => Promise<T>): Promise<T> {
    const next = this.#last.then(step);
    // Whoever asked for a step hears of its failure; the next step begins all the same.
    this.#last = next.catch(() => {});
    return next;
  }
}
