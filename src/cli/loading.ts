/** A configuration, and how it is read anew: by the same command line, among the variables of the start. */
import type { EffectiveConfiguration } from "../config/commands.ts";
import type { Config, ParseOutcome } from "../config/mod.ts";
import { ConfigError } from "../core/errors.ts";
import type { Loaded } from "./reload.ts";

export type Configured = Extract<ParseOutcome, { kind: "run" }>;

type Adjust = (config: Config) => Config;

export class Source {
  readonly #read: () => Promise<ParseOutcome>;
  readonly #adjust: Adjust;
  #configured: Configured;

  /** `adjust` adds what the command that serves has by itself. */
  constructor(
    configured: Configured,
    read: () => Promise<ParseOutcome>,
    adjust: Adjust = (config) => config,
  ) {
    this.#configured = configured;
    this.#read = read;
    this.#adjust = adjust;
  }

  with(adjust: Adjust): Source {
    return new Source(this.#configured, this.#read, adjust);
  }

  /** The whole paths of the files that it was made of: none where there is nothing to read anew. */
  get files(): string[] {
    return filesOf(this.#configured);
  }

  /** Throws ConfigError with all that is wrong. */
  async load(): Promise<Loaded> {
    const outcome = await this.#read();
    if (outcome.kind !== "run") throw new ConfigError("The command line asks for something else now");
    const config = this.#adjust(outcome.config);
    return { ...outcome, config, files: filesOf(outcome), counts: () => void (this.#configured = outcome) };
  }

  /** Each value that counts, with its source and without secrets. */
  async effective(): Promise<EffectiveConfiguration> {
    const { effectiveConfiguration } = await import("../config/commands.ts");
    return effectiveConfiguration(this.#configured);
  }
}

function filesOf({ file }: Configured): string[] {
  return file ? [file.place, ...file.read] : [];
}
