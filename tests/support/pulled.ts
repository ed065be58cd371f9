/** Reads item by item what in the product is read by calls: a test wants the next one now, and nothing before. */
import type { Failure, Readable } from "../../src/base/readable.ts";

/** Holds the source back from each item until the next one is asked for; one that is left in a loop is held for good. */
export function pulled<T>(source: Readable<T>): AsyncIterableIterator<T, undefined> {
  return new Pulled(source);
}

class Pulled<T> implements AsyncIterableIterator<T, undefined> {
  readonly #source: Readable<T>;
  /** Who asked for an item that has not come, oldest first. */
  readonly #waiting: PromiseWithResolvers<IteratorResult<T, undefined>>[] = [];
  #begun = false;
  #goOn = () => {};
  #over = false;

  constructor(source: Readable<T>) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    const asked = Promise.withResolvers<IteratorResult<T, undefined>>();
    this.#waiting.push(asked);
    if (this.#begun) this.#goOn();
    else this.#source.read((item) => this.#take(item), (failure) => this.#end(failure));
    this.#begun = true;
    return asked.promise;
  }

  #take(value: T): Promise<void> | void {
    this.#waiting.shift()?.resolve({ value, done: false });
    if (this.#waiting.length === 0) return new Promise((resolve) => this.#goOn = resolve);
  }

  /** Only one is told of a failure: after it comes the end. */
  #end(failure: Failure | undefined): void {
    this.#over = true;
    if (failure) this.#waiting.shift()?.reject(failure.error);
    for (const { resolve } of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
  }
}
