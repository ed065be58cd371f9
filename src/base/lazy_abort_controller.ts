/**
 * An AbortController that is made when somebody asks for its signal: one for each idle client would cost as much as the
 * rest of that client.
 */

/** An AbortController is one as well. */
export interface SignalSource {
  readonly signal: AbortSignal;
}

export class LazyAbortController implements SignalSource {
  #reason: Error | undefined;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    const controller = this.#controller ??= new AbortController();
    if (this.#reason) controller.abort(this.#reason);
    return controller.signal;
  }

  /** The reason that was given first counts. */
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}
