/** A lease is a place among the servers that may run at a time: a server has one from before it is opened until it is freed. */
import { BusyError } from "../core/errors.ts";
import { Semaphore, type SemaphoreOptions } from "../core/semaphore.ts";

interface LeaseRequest {
  /** Whom the server is for: its name in events. */
  readonly owner: string;
  /** Whether to wait for a place, as for a client; without, one is taken that nobody else wants, or none. */
  readonly waits: boolean;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** All places, and who has them. */
export class Leases {
  readonly #semaphore: Semaphore;
  readonly #owners = new Owners();
  #asked = false;

  constructor(options: SemaphoreOptions) {
    this.#semaphore = new Semaphore(options);
  }

  /** How many places are taken. */
  get taken(): number {
    return this.#semaphore.taken;
  }

  /** Whether somebody waits for a place. */
  get crowded(): boolean {
    return this.#semaphore.crowded;
  }

  /** Whether a client has ever wanted a server: of one that was started ahead nobody knows yet. */
  get wanted(): boolean {
    return this.#asked || this.#owners.changed;
  }

  /** Whether a place is in these hands. */
  isOwner(name: string): boolean {
    return this.#owners.has(name);
  }

  /** Rejects with BusyError when there is no place, or with the signal's reason. */
  async acquire({ owner, waits, signal }: LeaseRequest): Promise<Lease> {
    if (waits) {
      this.#asked = true;
      await this.#semaphore.acquire(() => signal);
    } else if (!this.#semaphore.tryAcquire()) throw new BusyError("There is no room for another child");
    return new Lease(owner, this.#owners, () => this.#semaphore.release());
  }

  /** Rejects all who wait, and all who would have to wait later, with this error. */
  close(error: Error): void {
    this.#semaphore.close(error);
  }
}

export class Lease {
  readonly #owners: Owners;
  readonly #leave: () => void;
  #owner: string;
  #ended = false;

  /** `leave` gives the place back. */
  constructor(owner: string, owners: Owners, leave: () => void) {
    this.#owner = owner;
    this.#owners = owners;
    this.#leave = leave;
    owners.add(owner);
  }

  get owner(): string {
    return this.#owner;
  }

  /** The server that has the place is another one's from now on. */
  handTo(owner: string): void {
    if (!this.#ended) this.#owners.change(this.#owner, owner);
    this.#owner = owner;
  }

  /** Gives the place back, once, however often that is said. */
  release(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#owners.remove(this.#owner);
    this.#leave();
  }
}

/** Names, each of which may have several places. */
class Owners {
  readonly #places = new Map<string, number>();
  /** A place has gone from one to another. */
  changed = false;

  has(name: string): boolean {
    return this.#places.has(name);
  }

  add(name: string): void {
    this.#places.set(name, (this.#places.get(name) ?? 0) + 1);
  }

  remove(name: string): void {
    const left = (this.#places.get(name) ?? 1) - 1;
    if (left > 0) this.#places.set(name, left);
    else this.#places.delete(name);
  }

  change(from: string, to: string): void {
    this.remove(from);
    this.add(to);
    this.changed = true;
  }
}
