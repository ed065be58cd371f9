/**
 * A Map for what comes and goes with each message.
 *
 * When V8 makes room in a Map it builds a new table, and the old one refers to the new. One that has grown old is not
 * collected by the minor collections, so it keeps its successors, and these all that was in them when they were
 * replaced: with a few requests open at any time, nothing that was ever entered would be freed before the next major
 * collection. So the Map has boxes alone, and a box that leaves is empty.
 */

interface Box<V> {
  value: V | undefined;
}

export class Table<K extends string | number, V extends object> {
  /** Made when it is needed: many a table stays empty. */
  #boxes: Map<K, Box<V>> | undefined;

  get size(): number {
    return this.#boxes?.size ?? 0;
  }

  has(key: K): boolean {
    return this.#boxes?.has(key) ?? false;
  }

  get(key: K): V | undefined {
    return this.#boxes?.get(key)?.value;
  }

  set(key: K, value: V): void {
    const boxes = this.#boxes ??= new Map();
    const box = boxes.get(key);
    if (box) box.value = value;
    else boxes.set(key, { value });
  }

  /** Takes the value out. */
  take(key: K): V | undefined {
    const box = this.#boxes?.get(key);
    if (!box) return undefined;
    this.#boxes?.delete(key);
    const { value } = box;
    box.value = undefined;
    return value;
  }

  /** Takes every value out. */
  clear(): void {
    for (const key of this.#boxes?.keys() ?? []) this.take(key);
  }

  /** As it is now, oldest first. */
  values(): V[] {
    return [...this.#boxes?.values() ?? []].flatMap(({ value }) => value ?? []);
  }

  /** The one value that is in it, or undefined when there are none or several. */
  sole(): V | undefined {
    return this.#boxes?.size === 1 ? this.#boxes.values().next().value?.value : undefined;
  }
}
