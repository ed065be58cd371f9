/** Who answers clients of 2026-07-28: servers of the placement's own strategies, spoken to in the era that is theirs. */
import { forModernClients, type ModernClientsOptions } from "../adapters/era/for_modern_clients.ts";
import type { Assignment, Backend, Peer } from "../core/backend.ts";
import type { Strategy } from "./strategy.ts";

type EraOptions = Omit<ModernClientsOptions, "shared">;

export class Modern {
  readonly #legacy: Strategy;
  readonly #options: EraOptions;
  /** Made once for each server. */
  readonly #translated = new WeakMap<Backend, Backend>();

  /** `legacy` has servers of the other era. */
  constructor(legacy: Strategy, options: EraOptions) {
    this.#legacy = legacy;
    this.#options = options;
  }

  serverFor(peer: Peer): Assignment {
    const assignment = this.#legacy.serverFor({ ...peer, scope: "session" });
    return { ...assignment, backend: this.#translatedOf(assignment) };
  }

  #translatedOf({ backend, shared }: Assignment): Backend {
    const known = this.#translated.get(backend);
    if (known) return known;
    const made = forModernClients(backend, { ...this.#options, shared: shared !== undefined });
    this.#translated.set(backend, made);
    return made;
  }
}
