/**
 * Turns for calls that are known to ask their clients something. A legacy server that several calls share does not say for
 * which of them it asks; but if one after the other comes to its question, it is clear. Who has asked lets the next begin.
 */
import { Recent } from "../../base/recent.ts";
import { BusyError } from "../../core/errors.ts";
import { Semaphore } from "../../core/semaphore.ts";
import type { JsonRpcRequest } from "../../core/message/jsonrpc.ts";

/** Of so many tools, prompts and resources it is remembered that they ask. */
const MAX_KNOWN = 1_000;
/** One that works for longer before it asks, or does not ask this time, holds up the others no more. */
const PATIENCE_MS = 10_000;

/** One call's. */
export interface Turn {
  /** The next may begin. */
  done(): void;
}

export class AskingTurns {
  readonly #known = new Recent<true>(MAX_KNOWN);
  readonly #places = new Semaphore({ places: 1, queueTimeoutMs: PATIENCE_MS, what: "calls that ask" });

  /** Calls of this kind ask, or may have asked. */
  learn(request: JsonRpcRequest): void {
    this.#known.set(kindOf(request), true);
  }

  /** Settles when the call may begin; undefined for one that need not tell when the next may. */
  async of(request: JsonRpcRequest): Promise<Turn | undefined> {
    if (!this.#known.get(kindOf(request))) return undefined;
    try {
      await this.#places.acquire();
    } catch (error) {
      if (error instanceof BusyError) return undefined;
      throw error;
    }
    let isDone = false;
    return {
      done: () => {
        if (!isDone) this.#places.release();
        isDone = true;
      },
    };
  }
}

function kindOf({ method, params = {} }: JsonRpcRequest): string {
  return `${method} ${params.name ?? params.uri}`.slice(0, 500);
}
