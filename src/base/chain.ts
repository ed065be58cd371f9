/**
 * A list that is left from anywhere at constant cost. A Set does that as well, but what was in it is freed late (see
 * table.ts), and it has to find what a link knows.
 */

/** What is linked into a chain: at most one at a time. */
export interface Link<L> {
  /** The chain's own, as is `next`. Outside of it both are undefined, so that an old link keeps no newer one alive. */
  previous: L | undefined;
  next: L | undefined;
  linked: boolean;
}

/** A link that leads to something that may be in several chains. */
export interface LinkTo<T> extends Link<LinkTo<T>> {
  readonly value: T;
}

export function linkTo<T>(value: T): LinkTo<T> {
  return new ValueLink(value);
}

/** A class, as LinkedTicket of time_limit.ts is one, and for the same reason. */
class ValueLink<T> implements LinkTo<T> {
  readonly value: T;
  previous: LinkTo<T> | undefined = undefined;
  next: LinkTo<T> | undefined = undefined;
  linked = false;

  constructor(value: T) {
    this.value = value;
  }
}

export class Chain<L extends Link<L>> {
  #first: L | undefined;
  #last: L | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The oldest. */
  get first(): L | undefined {
    return this.#first;
  }

  /** The youngest. */
  get last(): L | undefined {
    return this.#last;
  }

  /** Enters a link as the youngest; one that is in it already becomes that. */
  add(link: L): void {
    this.remove(link);
    link.linked = true;
    link.previous = this.#last;
    if (this.#last) this.#last.next = link;
    else this.#first = link;
    this.#last = link;
    this.#size++;
  }

  /** Takes a link of this chain out; false for one that is in none. */
  remove(link: L): boolean {
    if (!link.linked) return false;
    const { previous, next } = link;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    link.linked = false;
    link.previous = link.next = undefined;
    this.#size--;
    return true;
  }

  clear(): void {
    while (this.#first) this.remove(this.#first);
  }

  /** As it is now, oldest first. */
  all(): L[] {
    const links: L[] = [];
    for (let link = this.#first; link; link = link.next) links.push(link);
    return links;
  }
}
