/** A configuration, and how it is read anew: by the same command line, among the variables of the start. */
import type { EffectiveConfiguration } from "../config/commands.ts";
import { changedPatch, type Config, type ConfigPatch, type ParseOutcome } from "../config/mod.ts";
import { ConfigError } from "../core/errors.ts";
import type { Loaded } from "./reload.ts";

export type Configured = Extract<ParseOutcome, { kind: "run" }>;

type Adjust = (config: Config) => Config;
/** The patch is what is set while it is served. */
type Read = (patch?: ConfigPatch) => Promise<ParseOutcome>;

export class Source {
  readonly #read: Read;
  readonly #adjust: Adjust;
  #configured: Configured;
  /** Undefined until somebody sets something. */
  #patch: ConfigPatch | undefined;

  /** `adjust` adds what the command that serves has by itself. */
  constructor(configured: Configured, read: Read, adjust: Adjust = (config) => config) {
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

  /** With a change of what is set while it is served. Throws ConfigError with all that is wrong. */
  async load(change?: ConfigPatch): Promise<Loaded> {
    const patch = change ? changedPatch(this.#patch ?? {}, allowed(change)) : this.#patch;
    const outcome = await this.#read(patch);
    if (outcome.kind !== "run") throw new ConfigError("The command line asks for something else now");
    const config = this.#adjust(outcome.config);
    const counts = () => {
      this.#configured = outcome;
      this.#patch = patch;
    };
    return { ...outcome, config, files: filesOf(outcome), counts };
  }

  /** Each value that counts, with its source and without secrets. */
  async effective(): Promise<EffectiveConfiguration> {
    const { effectiveConfiguration } = await import("../config/commands.ts");
    return effectiveConfiguration(this.#configured);
  }
}

/** Who looks after the gateway is not to lose it by that. */
function allowed(change: ConfigPatch): ConfigPatch {
  if (!("admin" in change)) return change;
  throw new ConfigError(
    "admin: cannot be changed while it is served: the endpoint that you call, and its folder",
  );
}

function filesOf({ file }: Configured): string[] {
  return file?.place === undefined ? [] : [file.place, ...file.read];
}
