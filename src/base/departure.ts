/** That somebody is gone for good: a signal for who wants to wait for it, made when it is asked for. */

/** An AbortController is one as well, and costs as much as the rest of an idle client. */
export interface Departing {
  readonly signal: AbortSignal;
}

export class Departure implements Departing {
  #reason: Error | undefined;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    const controller = this.#controller ??= new AbortController();
    if (this.#reason) controller.abort(this.#reason);
    return controller.signal;
  }

  /** It is gone, for the reason that was given first. */
  tell(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}
