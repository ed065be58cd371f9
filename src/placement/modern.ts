/**
 * Who answers clients of 2026-07-28: servers that speak as they do or, where these want a handshake, servers that are
 * spoken to on their behalf.
 */
import { AskingTurns } from "../adapters/era/asking_turns.ts";
import { forModernClients } from "../adapters/era/for_modern_clients.ts";
import type { ModernClientsOptions } from "../adapters/era/modern_request.ts";
import type { ServerEra } from "../adapters/era/server_era.ts";
import type { Assignment, Backend, Peer } from "../core/backend.ts";
import type { Strategy } from "./strategy.ts";

interface ModernOptions extends Omit<ModernClientsOptions, "shared" | "turns"> {
  readonly era: ServerEra;
  /** Has servers that are spoken to with a handshake. */
  readonly legacy: Strategy;
  /** Has servers that are not. */
  readonly modern: Strategy;
}

export class Modern {
  readonly #options: ModernOptions;
  /** Made once for each server. */
  readonly #translated = new WeakMap<Backend, Backend>();

  constructor(options: ModernOptions) {
    this.#options = options;
  }

  serverFor(peer: Peer): Assignment {
    const { era } = this.#options;
    if (era.modern === false) return this.#legacyFor(peer);
    const own = this.#options.modern.serverFor(peer);
    if (era.modern) return own;
    const other = this.#legacyFor(peer);
    const backend: Backend = {
      name: own.backend.name,
      async open(launch, signal) {
        const modern = await era.find(signal);
        return await (modern ? own : other).backend.open(launch, signal);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    return { ...own, backend };
  }

  #legacyFor(peer: Peer): Assignment {
    const assignment = this.#options.legacy.serverFor({ ...peer, scope: "session" });
    return { ...assignment, backend: this.#translatedOf(assignment) };
  }

  #translatedOf({ backend, shared }: Assignment): Backend {
    const known = this.#translated.get(backend);
    if (known) return known;
    const made = forModernClients(backend, {
      ...this.#options,
      shared: shared !== undefined,
      turns: new AskingTurns(),
    });
    this.#translated.set(backend, made);
    return made;
  }
}
