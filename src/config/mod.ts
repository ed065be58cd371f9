/** From a command line, a file and the environment to a configuration: options, flags, help and the rules between them. */
export { type ChildMode, childMode, scopesServed } from "./child_modes.ts";
export { changedPatch, type ConfigPatch, pathsIn } from "./file/patch.ts";
export { nameOfPath } from "./file/findings.ts";
export { fileTextsOf } from "./files.ts";
export { fetchedFirst } from "./package_runner.ts";
export { mergedFlags } from "./merged_flags.ts";
export { parseArgs, type ParseOutcome, type Surroundings, surroundings } from "./parse_args.ts";
export { knownVariables, variableOf } from "./environment.ts";
export type { Config, ProcessConfig, ServerConfig } from "./config.ts";
export { commandTextOf, type ServerCommand, type ServerInput, type ServerRemote } from "./server_input.ts";
