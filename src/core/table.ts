/**
 * A Map for what comes and goes with each message.
 *
 * When V8 makes room in a Map it builds a new table, and the old one refers to the new. One that has grown old is not
 * collected by the minor collections, so it keeps its successors, and these all that was in them when they were
 * replaced: with a few requests open at any time, nothing that was ever entered would be freed before the next major
 * collection. So the Map has boxes alone, and a box that leaves is empty. And there is none as long as one entry is
 * all: a session that waits for its client keeps nothing but the table itself.
 */

interface Box<K, V> {
  readonly key: K;
  value: V | undefined;
}

export class Table<K extends string | number, V extends object> {
  /** The one entry. */
  #only: Box<K, V> | undefined;
  /** All entries, from the second one on until there is none. */
  #boxes: Map<K, Box<K, V>> | undefined;

  get size(): number {
    return this.#boxes ? this.#boxes.size : this.#only ? 1 : 0;
  }

  has(key: K): boolean {
    return this.#boxOf(key) !== undefined;
  }

  get(key: K): V | undefined {
    return this.#boxOf(key)?.value;
  }

  set(key: K, value: V): void {
    const known = this.#boxOf(key);
    if (known) known.value = value;
    else this.#add({ key, value });
  }

  /** Takes the value out. */
  take(key: K): V | undefined {
    const box = this.#boxOf(key);
    if (!box) return undefined;
    this.#remove(key);
    const { value } = box;
    box.value = undefined;
    return value;
  }

  /** Takes every value out. */
  clear(): void {
    for (const { key } of this.#all()) this.take(key);
  }

  /** As it is now, oldest first. */
  values(): V[] {
    return this.#all().map(({ value }) => value).filter((value) => value !== undefined);
  }

  /** The one value that is in it, or undefined when there are none or several. */
  sole(): V | undefined {
    if (this.#boxes?.size === 1) return this.#boxes.values().next().value?.value;
    return this.#only?.value;
  }

  #boxOf(key: K): Box<K, V> | undefined {
    if (this.#boxes) return this.#boxes.get(key);
    return this.#only?.key === key ? this.#only : undefined;
  }

  #add(box: Box<K, V>): void {
    if (this.#boxes) this.#boxes.set(box.key, box);
    else if (!this.#only) this.#only = box;
    else {
      this.#boxes = new Map([[this.#only.key, this.#only], [box.key, box]]);
      this.#only = undefined;
    }
  }

  #remove(key: K): void {
    this.#only = undefined;
    this.#boxes?.delete(key);
    if (this.#boxes?.size === 0) this.#boxes = undefined;
  }

  #all(): Box<K, V>[] {
    if (this.#boxes) return [...this.#boxes.values()];
    return this.#only ? [this.#only] : [];
  }
}
