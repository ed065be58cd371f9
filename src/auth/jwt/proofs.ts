/**
 * Until when what a token has opened counts. That is the end of the token, or of a newer one that its owner has shown
 * meanwhile, if that one is for the same and allows no less: a session outlives the renewal of a token, and never what
 * was granted.
 */
import type { Claims } from "./verification.ts";

/** Of one subject and for one audience. */
interface Proof {
  readonly scopes: readonly string[];
  expiresMs: number;
}

/** Far more than the kinds of tokens that one client has at a time. */
const MAX_OF_ONE = 16;

export class Proofs {
  /** Who has shown a token last stands last. */
  readonly #byOwner = new Map<string, Proof[]>();
  readonly #max: number;

  /** How many owners are known; the session of one that is forgotten ends with the token that opened it. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Whether what this token opens still counts. */
  holds({ subject, audiences, scopes, expiresMs }: Claims): () => boolean {
    const owner = JSON.stringify([subject, audiences.toSorted()]);
    const proofs = this.#proofsOf(owner);
    const own = proofs.find((proof) => isSame(proof.scopes, scopes)) ?? added(proofs, { scopes, expiresMs });
    for (const proof of proofs) {
      if (proof.scopes.every((scope) => scopes.includes(scope))) {
        proof.expiresMs = Math.max(proof.expiresMs, expiresMs);
      }
    }
    return () => own.expiresMs > Date.now();
  }

  #proofsOf(owner: string): Proof[] {
    const proofs = this.#byOwner.get(owner) ?? [];
    this.#byOwner.delete(owner);
    this.#byOwner.set(owner, proofs);
    const [oldest = owner] = this.#byOwner.size > this.#max ? this.#byOwner.keys() : [];
    if (oldest !== owner) this.#byOwner.delete(oldest);
    return proofs;
  }
}

function added(proofs: Proof[], proof: Proof): Proof {
  if (proofs.length >= MAX_OF_ONE) proofs.shift();
  proofs.push(proof);
  return proof;
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((scope) => others.includes(scope));
}
