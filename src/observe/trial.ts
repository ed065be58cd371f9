/** What came of trying the server at the start, in one piece: why it cannot be started, and what it had to say of that. */
import { BusyError, GatewayError, StoppingError } from "../core/errors.ts";
import type { GatewayEvent, Sink } from "../core/events.ts";

/** A server that is being started for nobody yet. */
export interface Attempt {
  /** Names it in events. */
  readonly label: string;
  /** Settles when it has answered the handshake; rejects with why it did not. */
  readonly done: Promise<unknown>;
}

/** Why the server cannot be started. */
export interface TrialReport {
  readonly server: string;
  readonly reason: string;
  /** Its last lines. */
  readonly stderr: readonly string[];
  /** What it wrote on stdout that is no message. */
  readonly stdout: readonly string[];
}

interface TrialOptions {
  readonly server: string;
  /** What may be fetched before the server runs, where something in front of it does that. */
  readonly fetches?: string | undefined;
  readonly emit: Sink;
}

/** A start that takes longer makes people ask what it does. */
const PATIENCE_MS = 2_000;
const MAX_LINES = 10;

export class Trial {
  readonly #options: TrialOptions;
  readonly #label: string;
  readonly #stderr: string[] = [];
  readonly #stdout: string[] = [];

  constructor(label: string, options: TrialOptions) {
    this.#label = label;
    this.#options = options;
  }

  readonly hear = (event: GatewayEvent): void => {
    if (event.type === "child.stderr" && event.session === this.#label) keep(this.#stderr, event.line);
    if (event.type === "child.noise" && event.session === this.#label) keep(this.#stdout, event.line);
  };

  /** Undefined where all is well, or where it could not be found out. */
  async verdict(done: Promise<unknown>): Promise<TrialReport | undefined> {
    const timer = setTimeout(() => this.#tellWait(), PATIENCE_MS);
    try {
      await done;
      return undefined;
    } catch (error) {
      // Of a gateway that stops, or has no room, and not of the server.
      if (error instanceof StoppingError || error instanceof BusyError) return undefined;
      const { server } = this.#options;
      return { server, reason: startFailure(error), stderr: this.#stderr, stdout: this.#stdout };
    } finally {
      clearTimeout(timer);
    }
  }

  #tellWait(): void {
    const { server, fetches: reason, emit } = this.#options;
    if (reason !== undefined) emit({ type: "server.awaited", server, reason });
  }
}

function keep(lines: string[], line: string): void {
  if (lines.push(line) > MAX_LINES) lines.shift();
}

function startFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  // The system's own word for it; one of ours says the same in another way.
  return cause instanceof Error && !(cause instanceof GatewayError)
    ? `${message}: ${cause.message}`
    : message;
}
