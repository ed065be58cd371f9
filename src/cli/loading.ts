/** A configuration, and how it is read anew: by the same command line, among the variables of the start. */
import type { EffectiveConfiguration } from "../config/commands.ts";
import {
  changedPatch,
  type Config,
  type ConfigPatch,
  type ParseOutcome,
  type Surroundings,
} from "../config/mod.ts";
import { ConfigError } from "../core/errors.ts";
import type { Loaded } from "./reload.ts";

export type Configured = Extract<ParseOutcome, { kind: "run" }>;

type Adjust = (config: Config) => Config;
type Read = (again?: Again) => Promise<ParseOutcome>;

/** What is known when it is not read for the first time. */
export type Again = Required<Pick<Surroundings, "patch" | "file">>;

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
    const { admin, ...rest } = change ?? {};
    const patch = change ? changedPatch(this.#patch ?? {}, rest) : this.#patch;
    const read = this.#read({ patch, file: fileOf(this.#configured)?.path ?? false });
    const outcome = await (admin === undefined ? read : refusedWith(OWN_ENDPOINT, read));
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
const OWN_ENDPOINT =
  "admin: cannot be changed while it is served: it is the endpoint that you call, and its folder";

/** Refuses what is read, with all else that is wrong with it. */
async function refusedWith(problem: string, read: Promise<unknown>): Promise<never> {
  const others = await read.then(() => [], (error: unknown) => {
    if (error instanceof ConfigError) return [error.message];
    throw error;
  });
  throw new ConfigError([problem, ...others].join("\n"));
}

function filesOf(configured: Configured): string[] {
  const file = fileOf(configured);
  return file ? [file.place, ...file.read] : [];
}

/** Undefined where all was given by flags and variables, or was set while it is served. */
function fileOf({ file }: Configured) {
  return file?.place === undefined ? undefined : { ...file, place: file.place };
}
