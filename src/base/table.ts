/**
 * A Map for what comes and goes with each message.
 *
 * When V8 makes room in a Map it builds a new table, and the old one refers to the new. One that has grown old is not
 * collected by the minor collections, so it keeps its successors, and these all that was in them when they were
 * replaced: with a few requests open at any time, nothing that was ever entered would be freed before the next major
 * collection. So the Map has boxes alone, and a box that leaves is empty. And there is no Map as long as one entry is
 * all: a session whose client asks one thing after another keeps nothing but the table itself.
 */

interface Box<V> {
  value: V | undefined;
}

export class Table<K extends string | number | bigint, V extends object> {
  /** The one entry; without a value there is none. */
  #key: K | undefined;
  #value: V | undefined;
  /** All entries, from the second one on until there is none. */
  #boxes: Map<K, Box<V>> | undefined;

  get size(): number {
    return this.#boxes ? this.#boxes.size : this.#value ? 1 : 0;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  get(key: K): V | undefined {
    if (this.#boxes) return this.#boxes.get(key)?.value;
    return this.#key === key ? this.#value : undefined;
  }

  set(key: K, value: V): void {
    const isOnly = !this.#value || this.#key === key;
    if (this.#boxes || !isOnly) return this.#setInBox(key, value);
    this.#key = key;
    this.#value = value;
  }

  /** Takes the value out. */
  take(key: K): V | undefined {
    const value = this.get(key);
    if (value) this.#remove(key);
    return value;
  }

  /** Takes every value out. */
  clear(): void {
    for (const box of this.#boxes?.values() ?? []) box.value = undefined;
    this.#boxes = this.#key = this.#value = undefined;
  }

  /** As it is now, oldest first. */
  values(): V[] {
    const values = this.#boxes ? [...this.#boxes.values()].map(({ value }) => value) : [this.#value];
    return values.filter((value) => value !== undefined);
  }

  /** The one value that is in it, or undefined when there are none or several. */
  sole(): V | undefined {
    if (!this.#boxes) return this.#value;
    return this.#boxes.size === 1 ? this.#boxes.values().next().value?.value : undefined;
  }

  #setInBox(key: K, value: V): void {
    this.#boxes ??= this.#spread();
    const box = this.#boxes.get(key);
    if (box) box.value = value;
    else this.#boxes.set(key, { value });
  }

  /** From one entry to several. */
  #spread(): Map<K, Box<V>> {
    const boxes = new Map<K, Box<V>>();
    if (this.#key !== undefined) boxes.set(this.#key, { value: this.#value });
    this.#key = this.#value = undefined;
    return boxes;
  }

  #remove(key: K): void {
    const box = this.#boxes?.get(key);
    if (box) box.value = undefined;
    this.#boxes?.delete(key);
    if (this.#boxes?.size === 0) this.#boxes = undefined;
    this.#key = this.#value = undefined;
  }
}
