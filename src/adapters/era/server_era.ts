/**
 * Which eras a server speaks, maybe both: found once, and remembered for as long as it is served (2026-07-28, "Backward
 * Compatibility" of its stdio and Streamable HTTP pages).
 */
import { AS_CONFIGURED, type Backend } from "../../core/backend.ts";
import { TimeoutError } from "../../core/errors.ts";
import { background, type Sink } from "../../core/events.ts";
import type { Era } from "../../core/mcp/revisions.ts";
import { durationText } from "../../base/duration.ts";
import { optionName } from "../../base/option_name.ts";
import { until } from "../../base/waiting.ts";
import { probeEra } from "./probe_era.ts";

interface ServerEraOptions {
  /** What is known without a look; "auto" where nothing is. */
  readonly setting: "auto" | Era;
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** How long a server may take to say what it speaks: one that says nothing is of the era with a handshake. */
  readonly timeoutMs: number;
  /** Opens servers, each in a place that nobody else wants. */
  readonly backend: Backend;
  /** Whether each is a process of ours. */
  readonly spawns: boolean;
  readonly emit: Sink;
}

/** Names the server that is asked in events, where a session id would stand. */
const ASKED = "era";

function tooLate(timeoutMs: number): TimeoutError {
  const within = `${durationText(timeoutMs)} (${optionName("eraProbeTimeout")})`;
  return new TimeoutError(`The MCP server did not answer server/discover within ${within}`);
}

export class ServerEra implements AsyncDisposable {
  readonly #options: ServerEraOptions;
  readonly #stopping = new AbortController();
  #modern: boolean | undefined;
  #shakesHands: boolean | undefined;
  /** A process has ended when it was asked. */
  #ended = false;
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
    if (this.#shakesHands && this.#ended && this.#modern === undefined) this.#settle(false);
  }

  /** Whether it is modern, which a server is asked that is started, or called, for that alone. Rejects where it cannot be had: it is asked again then. */
  async find(signal: AbortSignal): Promise<boolean> {
    if (this.#modern !== undefined) return this.#modern;
    // Not the signal of the client that happens to come first: others wait for the same answer.
    this.#finding ??= this.#ask().finally(() => this.#finding = undefined);
    return await until(signal, this.#finding);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#finding?.catch(() => {});
  }

  async #ask(): Promise<boolean> {
    const { backend, clientInfo, timeoutMs, emit } = this.#options;
    const { signal } = this.#stopping;
    const channel = await backend.open({ ...AS_CONFIGURED, session: ASKED, era: "modern" }, signal);
    try {
      const probed = await until(signal, probeEra(channel, { clientInfo, timeoutMs }));
      if (probed.found === "ended") return this.#endedAt(probed.reason);
      if (probed.found === "dual") this.learnHandshake(true);
      // Over a network silence has many reasons.
      if (probed.found === "legacy" && probed.silent && !this.#options.spawns) throw tooLate(timeoutMs);
      return this.#settle(probed.found !== "legacy");
    } finally {
      background(channel[Symbol.asyncDispose](), "server that was asked for its era", emit);
    }
  }

  /** A process that ends at what it does not know is of the era that does not know it, if it takes a handshake then. */
  #endedAt(reason: unknown): boolean {
    if (!this.#options.spawns) throw reason;
    this.#ended = true;
    return this.#shakesHands ? this.#settle(false) : false;
  }

  #settle(modern: boolean): boolean {
    const { backend, emit } = this.#options;
    this.#modern = modern;
    emit({ type: "server.era", server: backend.name, era: modern ? "modern" : "legacy" });
    return modern;
  }
}
