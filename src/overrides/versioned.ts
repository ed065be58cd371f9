/** A value with a version, so that two who change it at once notice. */
import { ConflictError } from "../core/errors.ts";

export interface Version<T> {
  readonly value: T;
  /** As HTTP writes it (RFC 9110, section 8.8.3). */
  readonly etag: string;
}

/** Tells the versions of this process from those of another one; made with the first that somebody asks for. */
let epoch: string | undefined;

export class Versioned<T> {
  #value: T;
  #version = 0;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  read(): Version<T> {
    epoch ??= crypto.randomUUID().slice(0, 8);
    return { value: this.#value, etag: `"${epoch}-${this.#version}"` };
  }

  /** `ifMatch` as in the header: etags, or `*`. Throws ConflictError where none of them is that of now. */
  write(value: T, ifMatch?: string): Version<T> {
    this.require(ifMatch);
    this.#value = value;
    this.#version++;
    return this.read();
  }

  /** Throws ConflictError as `write`, and changes nothing. */
  require(ifMatch: string | undefined): void {
    const { etag } = this.read();
    const etags = ifMatch?.split(",").map((one) => one.trim());
    if (!etags || etags.includes(etag) || etags.includes("*")) return;
    throw new ConflictError(`It was changed meanwhile, and is ${etag} by now: read it again`, {
      headers: { ETag: etag },
    });
  }
}
