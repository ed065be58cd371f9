/** A channel around a channel: what it changes is given, and everything else stays as it is, on the fast path. */
import type { Channel, Envelope } from "./channel.ts";
import type { Failure, Over, Readable, Take } from "../base/readable.ts";

export interface Changes {
  readonly incoming?: Readable<Envelope>;
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

/** The incoming messages of a channel, each of which the listener sees first. */
export function heard(incoming: Readable<Envelope>, listener: IncomingListener): Readable<Envelope> {
  return new Heard(incoming, listener);
}

class Heard implements Readable<Envelope> {
  readonly #incoming: Readable<Envelope>;
  readonly #listener: IncomingListener;

  constructor(incoming: Readable<Envelope>, listener: IncomingListener) {
    this.#incoming = incoming;
    this.#listener = listener;
  }

  read(take: Take<Envelope>, over: Over): void {
    const { hear, over: hearEnd } = this.#listener;
    this.#incoming.read((envelope) => take(hear(envelope)), (failure) => {
      hearEnd?.(failure);
      over(failure);
    });
  }

  idle(): Promise<void> | undefined {
    return this.#incoming.idle();
  }
}

/** Messages that were read already, and then what follows them; both may still be coming when the reader comes. */
export function continued(first: Envelope[], rest: Readable<Envelope>): Readable<Envelope> {
  return new Continued(first, rest);
}

class Continued implements Readable<Envelope> {
  readonly #first: Envelope[];
  readonly #rest: Readable<Envelope>;

  constructor(first: Envelope[], rest: Readable<Envelope>) {
    this.#first = first;
    this.#rest = rest;
  }

  read(take: Take<Envelope>, over: Over): void {
    this.#readAll(take, over).catch((error) => over({ error }));
  }

  /** Of what follows: whoever waits for that has read the first ones. */
  idle(): Promise<void> | undefined {
    return this.#rest.idle();
  }

  async #readAll(take: Take<Envelope>, over: Over): Promise<void> {
    await Promise.resolve();
    for (let envelope = this.#first.shift(); envelope; envelope = this.#first.shift()) {
      const room = take(envelope);
      if (room) await room;
    }
    // In the same turn, or one that comes meanwhile would be taken for one of the first.
    this.#rest.read(take, over);
  }
}
