/** What observers are told of the lives of a server, and what those callers hear who lost an answer. */
import { BackendError, serverFailure } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import type { ClientRequest } from "./client_requests.ts";

interface ServerNewsOptions {
  /** Names the conversation in events, and the server. */
  readonly session: string;
  readonly server: string;
  /** Whether it is opened in another way than for all. */
  readonly own: boolean;
  /** Once it has fired, the conversation is over, and trouble is not reported any more. */
  readonly signal: AbortSignal;
  readonly emit: Sink;
}

/** The error behind a trouble, and the pause before the next try. */
interface Circumstances {
  readonly cause?: unknown;
  readonly pauseMs?: number;
}

export class ServerNews {
  readonly #options: ServerNewsOptions;

  constructor(options: ServerNewsOptions) {
    this.#options = options;
  }

  trouble(reason: string, { cause, pauseMs }: Circumstances = {}): void {
    const { session, server, signal, emit } = this.#options;
    if (signal.aborted) return;
    const known = cause instanceof BackendError && cause.exited;
    const told = known && { told: true as const, ...pauseMs !== undefined && { pauseMs } };
    emit({ type: "server.trouble", session, server, reason, ...told });
  }

  /** A notification or an answer did not reach the server. */
  lost(why: string): void {
    this.trouble(`a message was lost: ${why}`);
  }

  /** `failure` is that of the last try, where it has not been told yet. */
  nextTry(pauseMs: number, { cause, failure }: { cause: unknown; failure?: string }): void {
    const next = `next try in ${Math.round(pauseMs)} ms`;
    this.trouble(failure === undefined ? next : `${failure}; ${next}`, { cause, pauseMs });
  }

  /** It was tried so often, and is not tried again before somebody asks for it. */
  givenUp(cause: unknown, tries = 1): void {
    const after = tries === 1 ? "" : ` after ${triesText(tries)}`;
    this.trouble(`gave up${after} until the next request: ${serverFailure(cause)}`, { cause });
  }

  /** A request that did not reach the server is tried again. */
  sentAgain(why: string, pauseMs: number): void {
    this.trouble(`${why}; the request is sent again in ${Math.round(pauseMs)} ms`);
  }

  requestGivenUp(why: string, tries: number): void {
    this.trouble(`${why}; the request is given up after ${triesText(tries)}`);
  }

  /** A new server was told what the last one knew. */
  restored(): void {
    const { session, server, emit } = this.#options;
    emit({ type: "server.restored", session, server });
  }

  /** A new server did not answer what it was told. */
  late(reason: string): void {
    const { session, server, own, emit } = this.#options;
    emit({ type: "handshake.late", session, server, reason, ...own && { own } });
  }
}

/** The error for requests that a server had when it ended: one error object for all of them. */
export class Losses {
  readonly #reason: unknown;
  #ofCall: BackendError | undefined;

  constructor(reason: unknown) {
    this.#reason = reason;
  }

  of({ isHandshake }: ClientRequest): BackendError {
    // A handshake does nothing that could be lost.
    if (isHandshake) return this.#loss("");
    return this.#ofCall ??= this.#loss(": the answer is lost, and the request was not sent again");
  }

  #loss(more: string): BackendError {
    return new BackendError(serverFailure(this.#reason) + more, { cause: this.#reason });
  }
}

function triesText(tries: number): string {
  return tries === 1 ? "1 try" : `${tries} tries`;
}
