/**
 * The light queue: one producer side, one consumer, in place of a Web Stream. It is what keeps the hot path at a few
 * promises a message: one wakes the consumer up, and none is made for an item that comes while it is awake.
 */
import type { Failure, Over, Readable, Take } from "./readable.ts";

/** Counts what waits, as a part of something larger. */
export interface Tally {
  add(weight: number): void;
  remove(weight: number): void;
}

export interface QueueOptions {
  /** From this many waiting items on, `push` returns a promise. */
  highWater?: number;
  /** From this much waiting weight on (bytes or characters, as the producer counts), `push` returns a promise. */
  highWaterWeight?: number;
}

/**
 * What waits, and what waits behind it; outside of the queue nothing, so that an old entry keeps no newer one alive.
 * An array instead would be begun anew whenever it is empty, and kept by each idle session: V8 takes such arrays for
 * long-lived, and frees those of a busy queue no sooner than in a major collection. So it does with literals, which
 * this is not for that reason (see time_limit.ts).
 */
class Entry<T> {
  readonly item: T;
  readonly weight: number;
  next: Entry<T> | undefined = undefined;

  constructor(item: T, weight: number) {
    this.item = item;
    this.weight = weight;
  }
}

/** Whoever reads. */
interface Consumer<T> {
  readonly take: Take<T>;
  readonly over: Over;
  /** Made once, since it is needed for every item. */
  readonly run: () => void;
  /** False while there is nothing to take. */
  busy: boolean;
  /** What woke it up. */
  first: Entry<T> | undefined;
  /** For who waits until there is nothing to take. */
  idle: PromiseWithResolvers<void> | undefined;
}

const READY = Promise.resolve();

export class Queue<T> implements Readable<T> {
  readonly #highWater: number;
  readonly #highWaterWeight: number;
  #oldest: Entry<T> | undefined;
  #youngest: Entry<T> | undefined;
  #size = 0;
  #weight = 0;
  #consumer: Consumer<T> | undefined;
  #ended = false;
  /** Told once; after that the queue is simply at its end. */
  #failure: Failure | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #tally: Tally | undefined;

  constructor(options: QueueOptions = {}) {
    const { highWater = 64, highWaterWeight = 1024 * 1024 } = options;
    this.#highWater = highWater;
    this.#highWaterWeight = highWaterWeight;
  }

  get size(): number {
    return this.#size;
  }
  get weight(): number {
    return this.#weight;
  }
  /** True once nothing more is taken in: after `end`, `fail`, or when the consumer has thrown. */
  get ended(): boolean {
    return this.#ended;
  }

  /** From now on the weight of what waits here counts there, too; nothing may wait yet. */
  countIn(tally: Tally): void {
    this.#tally = tally;
  }

  /** Adds an item; a returned promise settles when there is room again, or the end. After the end, items are dropped. */
  push(item: T, weight = 0): Promise<void> | void {
    if (this.#ended) return;
    if (this.#consumer?.busy === false) {
      this.#tally?.add(weight);
      return this.#wake(this.#consumer, new Entry(item, weight));
    }
    this.#add(new Entry(item, weight));
    return this.room();
  }

  /** As `push` returns, for whoever has others push. */
  room(): Promise<void> | void {
    if (this.#ended || !this.#full()) return;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** No more items: the consumer gets what waits, then the end, which it is told here if nothing waits. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.#finish();
  }

  /** As `end`, but the consumer gets this error after what waits. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = { error };
    this.#release();
    this.#finish();
  }

  read(take: Take<T>, over: Over): void {
    const run = () => this.#run(consumer);
    const consumer: Consumer<T> = { take, over, run, busy: true, first: undefined, idle: undefined };
    this.#consumer = consumer;
    this.#wake(consumer, undefined);
  }

  idle(): Promise<void> | undefined {
    if (!this.#consumer?.busy) return undefined;
    this.#consumer.idle ??= Promise.withResolvers<void>();
    return this.#consumer.idle.promise;
  }

  #wake(consumer: Consumer<T>, first: Entry<T> | undefined): void {
    consumer.busy = true;
    consumer.first = first;
    void READY.then(consumer.run);
  }

  #run(consumer: Consumer<T>): void {
    try {
      let entry = this.#takeFirst(consumer) ?? this.#take();
      for (; entry; entry = this.#take()) {
        const room = consumer.take(entry.item);
        if (room) return void room.then(consumer.run, (error) => this.#break(consumer, error));
      }
    } catch (error) {
      return this.#break(consumer, error);
    }
    this.#rest(consumer);
    this.#finish();
  }

  #rest(consumer: Consumer<T>): void {
    consumer.busy = false;
    consumer.idle?.resolve();
    consumer.idle = undefined;
  }

  #takeFirst(consumer: Consumer<T>): Entry<T> | undefined {
    const { first } = consumer;
    consumer.first = undefined;
    if (first) this.#tally?.remove(first.weight);
    return first;
  }

  /** What waits is for nobody any more. */
  #break(consumer: Consumer<T>, error: unknown): void {
    this.end();
    this.#failure = undefined;
    while (this.#take()) continue;
    this.#rest(consumer);
    this.#consumer = undefined;
    consumer.over({ error });
  }

  /** Tells a consumer that has taken everything of the end. */
  #finish(): void {
    if (!this.#ended || this.#consumer?.busy !== false) return;
    const { over } = this.#consumer;
    this.#consumer = undefined;
    const failure = this.#failure;
    this.#failure = undefined;
    over(failure);
  }

  #add(entry: Entry<T>): void {
    if (this.#youngest) this.#youngest.next = entry;
    else this.#oldest = entry;
    this.#youngest = entry;
    this.#size++;
    this.#weight += entry.weight;
    this.#tally?.add(entry.weight);
  }

  #take(): Entry<T> | undefined {
    const entry = this.#oldest;
    if (!entry) return undefined;
    this.#oldest = entry.next;
    if (!this.#oldest) this.#youngest = undefined;
    entry.next = undefined;
    this.#size--;
    this.#weight -= entry.weight;
    this.#tally?.remove(entry.weight);
    this.#release();
    return entry;
  }

  #full(): boolean {
    return this.size >= this.#highWater || this.#weight >= this.#highWaterWeight;
  }

  #release(): void {
    if (!this.#room || (this.#full() && !this.#ended)) return;
    this.#room.resolve();
    this.#room = undefined;
  }
}
