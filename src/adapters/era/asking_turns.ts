/**
 * Turns for calls that are known to ask their clients something. A legacy server that several calls share does not say for
 * which of them it asks; but if one after the other comes to its question, it is clear. Who has asked lets the next begin.
 */
import { Recent } from "../../base/recent.ts";
import { BusyError } from "../../core/errors.ts";
import { Semaphore } from "../../core/semaphore.ts";
import type { JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import type { Asking } from "./legacy_call.ts";

/** Of so many tools, prompts and resources it is remembered that they ask. */
const MAX_KNOWN = 1_000;
/** One that works for longer before it asks, or does not ask this time, holds up the others no more. */
const PATIENCE_MS = 10_000;

export class AskingTurns {
  readonly #known = new Recent<true>(MAX_KNOWN);
  readonly #places = new Semaphore({ places: 1, queueTimeoutMs: PATIENCE_MS, what: "calls that ask" });

  /** For one call, which tells how far it has come. */
  take(request: JsonRpcRequest): Asking {
    return new Turn(request, this.#known, this.#places);
  }
}

/** That of one call. */
class Turn implements Asking {
  readonly #request: JsonRpcRequest;
  readonly #known: Recent<true>;
  readonly #places: Semaphore;
  #hasPlace = false;
  #isOver = false;

  constructor(request: JsonRpcRequest, known: Recent<true>, places: Semaphore) {
    this.#request = request;
    this.#known = known;
    this.#places = places;
  }

  begin(): Promise<void> | void {
    // At most servers nothing ever asks.
    if (this.#known.size > 0 && this.#known.get(kindOf(this.#request))) return this.#wait();
  }

  suspected(): void {
    this.#known.set(kindOf(this.#request), true);
  }

  asked(): void {
    if (this.#hasPlace) this.#places.release();
    this.#hasPlace = false;
  }

  over(): void {
    this.#isOver = true;
    this.asked();
  }

  async #wait(): Promise<void> {
    this.#hasPlace = await this.#isFree();
    if (this.#isOver) this.asked();
  }

  /** Settles when the next may begin; false when it may after all that time, though another one has the place. */
  async #isFree(): Promise<boolean> {
    try {
      await this.#places.acquire();
      return true;
    } catch (error) {
      if (error instanceof BusyError) return false;
      throw error;
    }
  }
}

function kindOf({ method, params = {} }: JsonRpcRequest): string {
  return `${method} ${params.name ?? params.uri}`.slice(0, 500);
}
