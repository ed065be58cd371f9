/** What commands do with a configuration besides serving it; loaded with those. */
import { ConfigError } from "../core/errors.ts";
import { type ConfigurationFile, readConfigurationFile } from "./file/configuration_file.ts";
import { layered } from "./layers.ts";
import { findOption, options } from "./options.ts";
import { type Surroundings, surroundings } from "./parse_args.ts";
import { type Problem, problemLine } from "./problem.ts";
import { problemsOf } from "./resolve.ts";
import { slowPatterns } from "./slow_patterns.ts";

export { type EffectiveConfiguration, effectiveConfiguration, type Sourced } from "./effective.ts";
export { fileSchema } from "./file/schema.ts";
export { parseArgs } from "./parse_args.ts";
export { findOption };

interface Validation {
  /** One line each. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly servers: number;
}

/** Throws ConfigError for what is no file with a configuration. */
export async function validateFile(path: string, around: Surroundings = surroundings()): Promise<Validation> {
  try {
    const file = await readConfigurationFile({ path }, around);
    const { warnings, servers } = file;
    const problems = [...problemsOf(file), ...await slowPatternsOf(file)];
    return { problems: problems.map(problemLine), warnings, servers: servers.length };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: error.message.split("\n"), warnings: [], servers: 0 };
  }
}

/** Of the file alone; what cannot be read is among its other problems. */
async function slowPatternsOf({ shared }: ConfigurationFile): Promise<Problem[]> {
  const given = layered([shared]);
  const { data } = options.safeParse(given.raw);
  return await slowPatterns(data?.cors, given);
}
