/**
 * Which eras a server speaks: found once, and remembered for as long as it is served (2026-07-28, "Backward
 * Compatibility" of its stdio and Streamable HTTP pages).
 */
import { AS_CONFIGURED, type Backend } from "../../core/backend.ts";
import { background, type Sink } from "../../core/events.ts";
import type { Era } from "../../core/mcp/revisions.ts";
import { until } from "../../base/waiting.ts";
import { probeEra } from "./probe_era.ts";

/** What a server speaks: one of both, or both. */
type Spoken = Era | "dual";

interface ServerEraOptions {
  /** What is known without a look; "auto" where nothing is. */
  readonly setting: "auto" | Era;
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** How long a server may take to say what it speaks: one that says nothing is of the era with a handshake. */
  readonly timeoutMs: number;
  /** Opens servers, each in a place that nobody else wants. */
  readonly backend: Backend;
  readonly emit: Sink;
}

/** Names the server that is asked in events, where a session id would stand. */
const ASKED = "era";

export class ServerEra implements AsyncDisposable {
  readonly #options: ServerEraOptions;
  readonly #stopping = new AbortController();
  #spoken: Spoken | undefined;
  #shookHands = false;
  #finding: Promise<Spoken> | undefined;

  constructor(options: ServerEraOptions) {
    this.#options = options;
    if (options.setting !== "auto") this.#spoken = options.setting;
  }

  /** Undefined while nobody has found out. */
  get spoken(): Spoken | undefined {
    return this.#spoken;
  }

  /** Whether it is known to take a handshake; it may speak the other era as well. */
  get shakesHands(): boolean {
    return this.#shookHands || this.#spoken === "legacy" || this.#spoken === "dual";
  }

  /** It has answered a handshake. */
  shookHands(): void {
    this.#shookHands = true;
  }

  /** Asks a server for it that is started, or called, for that alone. Rejects where it cannot be had; it is asked again then. */
  async find(signal: AbortSignal): Promise<Spoken> {
    if (this.#spoken) return this.#spoken;
    // Not the signal of the client that happens to come first: others wait for the same answer.
    this.#finding ??= this.#ask().finally(() => this.#finding = undefined);
    return await until(signal, this.#finding);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#finding?.catch(() => {});
  }

  async #ask(): Promise<Spoken> {
    const { backend, clientInfo, timeoutMs, emit } = this.#options;
    const { signal } = this.#stopping;
    const channel = await backend.open({ ...AS_CONFIGURED, session: ASKED, era: "modern" }, signal);
    try {
      const { found } = await until(signal, probeEra(channel, { clientInfo, timeoutMs }));
      // One that ends at what it does not know is of the era that does not know it.
      this.#spoken = found === "ended" ? "legacy" : found;
      emit({ type: "server.era", server: backend.name, spoken: this.#spoken });
      return this.#spoken;
    } finally {
      background(channel[Symbol.asyncDispose](), "server that was asked for its era", emit);
    }
  }
}
