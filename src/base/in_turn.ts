/**
 * A source that several read, one after the other: who looks for something in what comes first, and then who gets the rest.
 * It is held back while nobody reads, so that no item is without a reader.
 */
import type { Failure, Over, Readable, Take } from "./readable.ts";

/** Gives what was looked for once an item brings it; the next item comes when a returned promise has settled. */
type Look<T, R> = (item: T) => Promise<R | undefined> | R | undefined;

interface Reader<T> {
  readonly take: Take<T>;
  readonly over: Over;
  /** Another one reads now. */
  readonly left?: () => void;
}

export class InTurn<T> implements Readable<T> {
  readonly #source: Readable<T>;
  #reader: Reader<T> | undefined;
  /** How the source ended: who reads later hears of it as well. */
  #end: { readonly failure: Failure | undefined } | undefined;

  constructor(source: Readable<T>) {
    this.#source = source;
  }

  /**
   * Reads until `look` finds something, which this gives; undefined at the end, or when somebody else reads on. Rejects
   * with what `look` throws, or with the error of the source. What comes after that waits for the next reader.
   */
  seek<R>(look: Look<T, R>): Promise<R | undefined> {
    const found = Promise.withResolvers<R | undefined>();
    const next = Promise.withResolvers<void>();
    this.#giveTo({
      async take(item) {
        try {
          const something = await look(item);
          if (something === undefined) return;
          found.resolve(something);
        } catch (error) {
          found.reject(error);
        }
        await next.promise;
      },
      over: (failure) => failure ? found.reject(failure.error) : found.resolve(undefined),
      left() {
        found.resolve(undefined);
        next.resolve();
      },
    });
    return found.promise;
  }

  /** The rest, without a promise for each item. */
  read(take: Take<T>, over: Over): void {
    this.#giveTo({ take, over });
  }

  idle(): Promise<void> | undefined {
    return this.#source.idle();
  }

  #giveTo(reader: Reader<T>): void {
    const last = this.#reader;
    this.#reader = reader;
    if (!last) this.#source.read((item) => this.#reader?.take(item), (failure) => this.#over(failure));
    last?.left?.();
    if (!this.#end) return;
    const { failure } = this.#end;
    queueMicrotask(() => reader.over(failure));
  }

  #over(failure: Failure | undefined): void {
    this.#end = { failure };
    this.#reader?.over(failure);
  }
}
