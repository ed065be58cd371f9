/**
 * Which eras a server speaks, maybe both: found once, and remembered for as long as it is served (2026-07-28, "Backward
 * Compatibility" of its stdio and Streamable HTTP pages).
 */
import { AS_CONFIGURED, type Backend } from "../../core/backend.ts";
import { background, type Sink } from "../../core/events.ts";
import type { Era } from "../../core/mcp/revisions.ts";
import { until } from "../../base/waiting.ts";
import { probeEra } from "./probe_era.ts";

interface ServerEraOptions {
  /** What is known without a look; "auto" where nothing is. */
  readonly setting: "auto" | Era;
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** How long a server may take to say what it speaks: one that says nothing is of the era with a handshake. */
  readonly timeoutMs: number;
  /** The same for one that has refused a handshake, so that nothing else can be done with it. */
  readonly patientMs: number;
  /** Opens servers, one at a time. */
  readonly backend: Backend;
  readonly emit: Sink;
}

/** Names the server that is asked in events, where a session id would stand. */
const ASKED = "era";

export class ServerEra implements AsyncDisposable {
  readonly #options: ServerEraOptions;
  readonly #stopping = new AbortController();
  #modern: boolean | undefined;
  #shakesHands: boolean | undefined;
  /** It has not answered as a modern one does, which it may have had other reasons for. */
  #seemsLegacy = false;
  #finding: Promise<boolean> | undefined;

  constructor(options: ServerEraOptions) {
    this.#options = options;
    if (options.setting === "auto") return;
    this.#modern = options.setting === "modern";
    this.#shakesHands = !this.#modern;
  }

  /** Whether it speaks without a handshake; undefined while nobody has found out. */
  get modern(): boolean | undefined {
    return this.#modern;
  }

  /** Whether it takes a handshake: it may do so and be modern as well. Undefined while nobody has found out. */
  get shakesHands(): boolean | undefined {
    return this.#shakesHands;
  }

  /** It has answered a handshake, or has refused it and is modern. */
  learnHandshake(taken: boolean): void {
    this.#shakesHands ??= taken;
    this.#beSureOfLegacy();
  }

  /** Whether it is modern, which a server is asked that is started, or called, for that alone. Rejects where it cannot be had. */
  async find(signal: AbortSignal): Promise<boolean> {
    // One that is slow, or ends, may be so by accident; but to be asked by all who come would do it no good.
    return this.#modern ?? (!this.#seemsLegacy && await this.#found(signal, this.#options.timeoutMs));
  }

  /** The same for who has seen it refuse a handshake: what only seems to be legacy is asked once more. */
  async findAgain(signal: AbortSignal): Promise<boolean> {
    return this.#modern ?? await this.#found(signal, this.#options.patientMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#finding?.catch(() => {});
  }

  async #found(signal: AbortSignal, timeoutMs: number): Promise<boolean> {
    // Not the signal of the client that happens to come first: others wait for the same answer.
    this.#finding ??= this.#ask(timeoutMs).finally(() => this.#finding = undefined);
    return await until(signal, this.#finding);
  }

  async #ask(timeoutMs: number): Promise<boolean> {
    const { backend, clientInfo, emit } = this.#options;
    const { signal } = this.#stopping;
    const launch = { ...AS_CONFIGURED, session: ASKED, era: "modern", probed: true } as const;
    const channel = await backend.open(launch, signal);
    try {
      const { found } = await until(signal, probeEra(channel, { clientInfo, timeoutMs }));
      // One that ends at what it does not know is of the era that does not know it.
      this.#seemsLegacy = found === "legacy" || found === "ended";
      if (this.#seemsLegacy) this.#beSureOfLegacy();
      else this.#learn("modern");
      return !this.#seemsLegacy;
    } finally {
      background(channel[Symbol.asyncDispose](), "server that was asked for its era", emit);
    }
  }

  #beSureOfLegacy(): void {
    if (this.#seemsLegacy && this.#shakesHands && this.#modern === undefined) this.#learn("legacy");
  }

  #learn(era: Era): void {
    const { backend, emit } = this.#options;
    this.#modern = era === "modern";
    emit({ type: "server.era", server: backend.name, era });
  }
}
