/** Reading without a promise for each item: whoever reads is called, and says when the next one may come. */

/** Takes an item; the next one comes when a returned promise has settled. */
export type Take<T> = (item: T) => Promise<void> | void;
/** Why a source ended that broke: what it says itself, or what `take` has thrown, which ends it. */
export interface Failure {
  readonly error: unknown;
}

/** Hears of the end, once, when everything has been taken. With undefined all is well. */
export type Over = (failure: Failure | undefined) => void;

/** What can be read without a promise for each item, and knows whether all of it has been taken. */
export interface Readable<T> {
  /** Gives every item to `take`, in order; nobody else may read then. Nothing is called before it has returned. */
  read(take: Take<T>, over: Over): void;
  /** Settles when `take` is done with all that was there; undefined where nothing waits, or nobody reads. */
  idle(): Promise<void> | undefined;
}

/** Reads to the end; rejects with its error. */
export function each<T>(source: Readable<T>, take: Take<T>): Promise<void> {
  return new Promise((resolve, reject) => {
    source.read(take, (failure) => failure ? reject(failure.error) : resolve());
  });
}
