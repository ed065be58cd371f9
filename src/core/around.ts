/** A channel around a channel: what it changes is given, and everything else stays as it is, on the fast path. */
import type { Channel, Envelope } from "./channel.ts";
import { type Failure, idle, type Over, read, type Readable, type Take } from "../base/readable.ts";

export interface Changes {
  readonly incoming?: AsyncIterable<Envelope>;
  readonly send?: (envelope: Envelope) => Promise<void> | void;
  readonly close?: (reason?: Error) => Promise<void>;
  readonly dispose?: () => Promise<void>;
}

export function around(channel: Channel, { incoming = channel.incoming, ...changes }: Changes): Channel {
  const {
    send = (envelope: Envelope) => channel.send(envelope),
    close = (reason?: Error) => channel.close(reason),
    dispose = () => channel[Symbol.asyncDispose](),
  } = changes;
  return { incoming, send, close, [Symbol.asyncDispose]: dispose };
}

interface IncomingListener {
  /** Gives what is passed on: mostly the same. */
  readonly hear: (envelope: Envelope) => Envelope;
  /** Hears of the end, before anybody else does. */
  readonly over?: (failure: Failure | undefined) => void;
}

type Result = IteratorResult<Envelope, undefined>;

/** The incoming messages of a channel, each of which the listener sees first. */
export function heard(
  incoming: AsyncIterable<Envelope>,
  listener: IncomingListener,
): AsyncIterable<Envelope> {
  return new Heard(incoming, listener);
}

class Heard implements AsyncIterableIterator<Envelope, undefined>, Readable<Envelope> {
  readonly #messages: AsyncIterator<Envelope>;
  readonly #listener: IncomingListener;

  constructor(incoming: AsyncIterable<Envelope>, listener: IncomingListener) {
    this.#messages = incoming[Symbol.asyncIterator]();
    this.#listener = listener;
  }

  read(take: Take<Envelope>, over: Over): void {
    const { hear, over: hearEnd } = this.#listener;
    read(this.#messages, (envelope) => take(hear(envelope)), (failure) => {
      hearEnd?.(failure);
      over(failure);
    });
  }

  idle(): Promise<void> | undefined {
    return idle(this.#messages);
  }

  async next(): Promise<Result> {
    const { hear, over } = this.#listener;
    try {
      const { value, done } = await this.#messages.next();
      if (!done) return { value: hear(value), done: false };
    } catch (error) {
      over?.({ error });
      throw error;
    }
    over?.(undefined);
    return { value: undefined, done: true };
  }

  async return(): Promise<Result> {
    await this.#messages.return?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Messages that were read already, and then what follows; `next` is the answer to a call that is on its way. */
export function continued(
  first: readonly Envelope[],
  next: Promise<IteratorResult<Envelope>>,
  messages: AsyncIterator<Envelope>,
): AsyncIterable<Envelope> {
  return new Continued(
    [...first.map((value) => Promise.resolve({ value, done: false as const })), next],
    messages,
  );
}

class Continued implements AsyncIterableIterator<Envelope>, Readable<Envelope> {
  readonly #first: Promise<IteratorResult<Envelope>>[];
  readonly #messages: AsyncIterator<Envelope>;

  constructor(first: Promise<IteratorResult<Envelope>>[], messages: AsyncIterator<Envelope>) {
    this.#first = first;
    this.#messages = messages;
  }

  read(take: Take<Envelope>, over: Over): void {
    this.#readFirst(take).then(
      (more) => more ? read(this.#messages, take, over) : over(undefined),
      (error) => over({ error }),
    );
  }

  /** Of what follows: whoever waits for that has read the first ones. */
  idle(): Promise<void> | undefined {
    return idle(this.#messages);
  }

  next(): Promise<IteratorResult<Envelope>> {
    return this.#first.shift() ?? this.#messages.next();
  }

  async return(): Promise<IteratorResult<Envelope>> {
    await this.#messages.return?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** False when that was all. */
  async #readFirst(take: Take<Envelope>): Promise<boolean> {
    for (let awaited = this.#first.shift(); awaited; awaited = this.#first.shift()) {
      const { value, done } = await awaited;
      if (done) return false;
      const room = take(value);
      if (room) await room;
    }
    return true;
  }
}
