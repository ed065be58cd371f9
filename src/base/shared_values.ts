/** Equal values as one object, however many hold it. */

export class SharedValues<T extends object> {
  readonly #make: (text: string) => T;
  readonly #most: number;
  /** Oldest first. */
  readonly #values = new Map<string, T>();

  /** `make` gives the value of a text. Of so many texts the value is known at most: whoever invents texts fills no memory. */
  constructor(make: (text: string) => T, most: number) {
    this.#make = make;
    this.#most = most;
  }

  of(text: string): T {
    const known = this.#values.get(text);
    if (known) return known;
    const value = this.#make(text);
    this.#values.set(text, value);
    const [oldest] = this.#values.keys();
    if (oldest !== undefined && this.#values.size > this.#most) this.#values.delete(oldest);
    return value;
  }
}
