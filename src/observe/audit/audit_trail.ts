/** The audit log of a gateway: a sink that drops nothing, and says when nobody new may be served for that. */
import { BusyError, type GatewayError } from "../../core/errors.ts";
import type { GatewayEvent, Sink } from "../../core/events.ts";
import { RepeatedAttempts } from "../repeated_attempts.ts";
import { CLOSED, type Found, openAudit } from "./audit_file.ts";
import { type AuditOutput, AuditWriter } from "./audit_writer.ts";
import { Chain, type Entry, type Link, Stamper } from "./chain.ts";
import { entryOf } from "./entry.ts";

interface AuditTrailOptions {
  readonly path: string;
  /** Of one file, and how many full ones are kept. */
  readonly maxBytes: number;
  readonly keep: number;
  readonly version: string;
  /** Hears of the log itself. */
  readonly emit: Sink;
}

export class AuditTrail implements AsyncDisposable {
  readonly #path: string;
  readonly #chain: Chain;
  readonly #stamper = new Stamper();
  readonly #writer: AuditWriter;
  readonly #release: () => void;
  readonly #repeated = new RepeatedAttempts((attempt, count) => {
    const entry = entryOf(attempt);
    if (entry) this.#record({ ...entry, count });
  });
  #emit: Sink;
  #troubleAt = 0;
  #refusal: GatewayError | undefined;
  #isTorn = false;
  #isOver = false;

  /** Throws ConfigError for a file that cannot be had, that another gateway has, or that holds something else. */
  static async open(options: AuditTrailOptions): Promise<AuditTrail> {
    const { path, maxBytes, keep, version } = options;
    const { file, found, release } = await openAudit(path, { maxBytes, keep });
    const output: AuditOutput = {
      async look() {
        if (await file.follow()) options.emit({ type: "warning", text: movedText(path) });
      },
      makeRoom: (bytes) => file.makeRoom(bytes),
      write: (bytes) => file.write(bytes),
      close: () => file.close(),
    };
    const trail = new AuditTrail(options, { output, release, last: found.last });
    trail.#begin(found, version);
    return trail;
  }

  /** With an output that a test has made. */
  constructor(
    { path, maxBytes, emit }: Pick<AuditTrailOptions, "path" | "maxBytes" | "emit">,
    { output, release, last }: {
      readonly output: AuditOutput;
      readonly release: () => void;
      readonly last: Link;
    },
  ) {
    this.#path = path;
    this.#emit = emit;
    this.#release = release;
    this.#chain = new Chain(last);
    this.#writer = new AuditWriter(output, {
      maxBytes,
      seal: (said) => this.#seal(said),
      onTrouble: (reason) => this.#suffer(reason),
      onRecovered: () => this.#recover(),
    });
  }

  /** To be told every event of the gateway. */
  readonly hear: Sink = (event: GatewayEvent) => {
    if (this.#isOver) return;
    if (event.type === "auth.refused" && this.#repeated.count(event)) return;
    const entry = entryOf(event);
    if (entry) this.#record(entry);
  };

  /** Why nothing new may begin that would have to be recorded, or undefined. */
  readonly refusal = (): GatewayError | undefined => this.#refusal;

  /** From now on this one hears of the log, and of what is wrong with it already. */
  attach(emit: Sink): void {
    this.#emit = emit;
    const { trouble } = this.#writer;
    if (trouble !== undefined) emit({ type: "audit.trouble", reason: trouble });
  }

  /** Writes what is left, with a line that says it is the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#repeated[Symbol.dispose]();
    this.#record({ event: CLOSED });
    this.#isOver = true;
    const lost = await this.#writer.close();
    this.#release();
    this.#emit({ type: "audit.closed", file: this.#path, ...this.#chain.last, ...lost > 0 && { lost } });
  }

  #begin({ last, before, torn }: Found, version: string): void {
    this.#record(torn ? { ...openedBy(version, before), torn } : openedBy(version, before));
    this.#isTorn = torn !== undefined;
    const state = before ?? "new";
    this.#emit({ type: "audit.opened", file: this.#path, ...last, state, ...torn && { torn: torn.bytes } });
  }

  #record(entry: Entry): void {
    if (!this.#isOver) this.#writer.push(this.#stamper.stamped(entry));
  }

  /** What is left of a line that was not finished ends in front of the first one. */
  #seal(said: string): string {
    const before = this.#isTorn ? "\n" : "";
    this.#isTorn = false;
    return before + this.#chain.seal(said);
  }

  #suffer(reason: string): void {
    if (!this.#refusal) this.#troubleAt = performance.now();
    this.#refusal = new BusyError("Nothing is served while it could not be recorded", {
      logged: `The audit log cannot be written: ${reason}`,
    });
    this.#emit({ type: "audit.trouble", reason });
  }

  #recover(): void {
    this.#refusal = undefined;
    const seconds = Math.round((performance.now() - this.#troubleAt) / 100) / 10;
    this.#record({ event: "audit.recovered", seconds });
    this.#emit({ type: "audit.recovered", seconds });
  }
}

function openedBy(version: string, before: Found["before"]): Entry {
  return { event: "audit.opened", version, pid: Deno.pid, ...before && { before } };
}

function movedText(path: string): string {
  return `The audit log ${path} was moved or removed, and goes on in a new file`;
}
