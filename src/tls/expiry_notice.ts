/** Tells in time that a certificate ends: at once when that comes near, and each day from then on. */
import type { Sink } from "../core/events.ts";
import { type CertificateFacts, DAY_MS, reportOf } from "./certificate.ts";

/** Who renews by a program does so at 30 days: with fewer than these, some of its tries have failed. */
const WARN_DAYS = 14;

type State = "fine" | "expiring" | "expired";

export class ExpiryNotice {
  readonly #file: string;
  readonly #emit: Sink;
  #told: State = "fine";
  #toldAt = 0;

  constructor(file: string, emit: Sink) {
    this.#file = file;
    this.#emit = emit;
  }

  /** To be called now and then; `now` is by `performance.now()`. */
  look(facts: CertificateFacts, now = performance.now()): void {
    const { daysLeft, validUntil } = reportOf(facts);
    const state = stateOf(daysLeft);
    if (state === this.#told && now - this.#toldAt < DAY_MS) return;
    this.#told = state;
    this.#toldAt = now;
    if (state !== "fine") this.#emit({ type: `tls.${state}`, file: this.#file, validUntil, daysLeft });
  }
}

function stateOf(daysLeft: number): State {
  if (daysLeft < 0) return "expired";
  return daysLeft < WARN_DAYS ? "expiring" : "fine";
}
