/** Tokens that were verified, until they expire: to verify one takes a millisecond, to find one a hundredth. */
import { createHash } from "node:crypto";

interface Expiring {
  /** In milliseconds since 1970. */
  readonly expiresMs: number;
}

export class VerifiedTokens<T extends Expiring> {
  /** By digest, since the tokens are secrets; the oldest first. */
  readonly #byDigest = new Map<string, T>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** Undefined for one that is not known, or has expired. */
  find(digest: string): T | undefined {
    const found = this.#byDigest.get(digest);
    if (found === undefined || found.expiresMs > Date.now()) return found;
    this.#byDigest.delete(digest);
    return undefined;
  }

  /** Of too many the oldest is forgotten. */
  add(digest: string, token: T): void {
    this.#byDigest.set(digest, token);
    const [oldest = ""] = this.#byDigest.size > this.#max ? this.#byDigest.keys() : [];
    if (oldest !== "") this.#byDigest.delete(oldest);
  }

  clear(): void {
    this.#byDigest.clear();
  }
}

export function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
