/** Reading without a promise for each item: what a queue offers, and the same for whatever can be iterated. */

/** Takes an item; the next one comes when a returned promise has settled. */
export type Take<T> = (item: T) => Promise<void> | void;
/** What `fail` was called with, or `take` has thrown, which ends the queue. */
export interface Failure {
  readonly error: unknown;
}

/**
 * Hears of the end, once, when everything has been taken; `end` and `fail` call it themselves where nothing waits. With
 * undefined all is well.
 */
export type Over = (failure: Failure | undefined) => void;

/** What can be read without a promise for each item, and knows whether all of it has been taken. */
export interface Readable<T> {
  /** Gives every item to `take`, as a `for await` would; nobody else may read then. */
  read(take: Take<T>, over: Over): void;
  /** Settles when `take` is done with all that was there; undefined where nothing waits, or nobody reads. */
  idle(): Promise<void> | undefined;
}

type Source<T> = AsyncIterable<T> | AsyncIterator<T>;

/** As the `read` of a queue, for whatever can be iterated; `messages` may be an iterator that was begun already. */
export function read<T>(messages: Source<T>, take: Take<T>, over: Over): void {
  if (isReadable(messages)) return messages.read(take, over);
  const iterator = Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : messages;
  if (isReadable(iterator)) iterator.read(take, over);
  else iterate(iterator, take).then(() => over(undefined), (error) => over({ error }));
}

/** As `read`; settles at the end, or rejects with its error. */
export function each<T>(messages: Source<T>, take: Take<T>): Promise<void> {
  return new Promise((resolve, reject) => {
    read(messages, take, (failure) => failure ? reject(failure.error) : resolve());
  });
}

/** As the `idle` of a queue; undefined where that is not known. */
export function idle(messages: Source<unknown>): Promise<void> | undefined {
  return isReadable(messages) ? messages.idle() : undefined;
}

function isReadable<T>(messages: Source<T>): messages is Source<T> & Readable<T> {
  return "read" in messages && "idle" in messages;
}

async function iterate<T>(iterator: AsyncIterator<T>, take: Take<T>): Promise<void> {
  for await (const item of { [Symbol.asyncIterator]: () => iterator }) {
    const room = take(item);
    if (room) await room;
  }
}
