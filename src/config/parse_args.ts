/** From a command line and what is around it, a file and environment variables, to a configuration. */
import { flagName } from "../base/option_name.ts";
import { CONFIG_VARIABLE, environmentLayer, unknownVariables } from "./environment.ts";
import {
  type ConfigurationFile,
  configurationOfPatch,
  readConfigurationFile,
} from "./file/configuration_file.ts";
import { findConfigurationFile } from "./file/find.ts";
import type { ConfigPatch } from "./file/patch.ts";
import { readFlags } from "./flags.ts";
import type { Layer } from "./layers.ts";
import { isWhichServer } from "./options.ts";
import { expandPairs } from "./pair_variables.ts";
import { accepted, resolve, type Resolved } from "./resolve.ts";
import { configError } from "./problem.ts";
import { secretsOnLine } from "./secrets_on_line.ts";
import { serverGivenIn } from "./server_choice.ts";
import { slowPatterns } from "./slow_patterns.ts";
import type { Operands } from "./server_input.ts";

/** What a command line comes to; the texts end without a newline. */
export type ParseOutcome =
  | { kind: "help"; text: string }
  | { kind: "version"; text: string }
  | { kind: "run" } & Omit<Resolved, "kind">;

/** What a configuration depends on besides the command line. */
export interface Surroundings {
  readonly variables: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly home: string | undefined;
  readonly os: typeof Deno.build.os;
  readonly exists: (path: string) => boolean;
  /** What is set while it is served. */
  readonly patch?: ConfigPatch | undefined;
  /** The file that it was before, or false for none: another one is not looked for then. */
  readonly file?: string | false | undefined;
}

/** Those of this process. */
export function surroundings(): Surroundings {
  const variables = Deno.env.toObject();
  const { os } = Deno.build;
  const home = variables[os === "windows" ? "USERPROFILE" : "HOME"] || undefined;
  return { variables, cwd: workingDirectory(), home, os, exists: isFile };
}

/**
 * Throws ConfigError with a line for each problem: the option as it was given, the value and what is allowed. Never
 * prints, never exits.
 */
export async function parseArgs(
  argv: readonly string[],
  version: string,
  around: Surroundings = surroundings(),
): Promise<ParseOutcome> {
  const dashes = argv.indexOf("--");
  const flags = readFlags(dashes < 0 ? argv : argv.slice(0, dashes), version);
  if (flags.kind !== "values") return flags;
  const operands = { argv: dashes < 0 ? [] : argv.slice(dashes + 1), url: flags.url };
  const { layers, warnings } = layersOf(flags.values, { operands, around });
  const isServerGiven = serverGivenIn(layers, operands) !== undefined;
  const { file, warnings: found } = await fileOf(flags.config, { around, isServerGiven });
  const { kind: _, ...resolved } = accepted(resolve(layers, operands, file));
  const slow = await slowPatterns(resolved.config.process.origins.cors, resolved.given.shared);
  if (slow.length > 0) throw configError(slow);
  return { ...resolved, kind: "run", warnings: [...found, ...warnings, ...resolved.warnings] };
}

interface FileFound {
  readonly file?: ConfigurationFile;
  readonly warnings: readonly string[];
}

interface FileContext {
  readonly around: Surroundings;
  readonly isServerGiven: boolean;
}

/** The servers of a file that was only found give way to one that is given. */
async function fileOf(
  config: string | false | undefined,
  { around, isServerGiven }: FileContext,
): Promise<FileFound> {
  const named = config ?? (around.variables[CONFIG_VARIABLE] || undefined);
  const { patch } = around;
  const none = { ...patch && { file: configurationOfPatch(patch, around) }, warnings: [] };
  const known = named ?? around.file;
  if (known === false) return none;
  const found = known === undefined ? findConfigurationFile(around) : { path: known, warnings: [] };
  if (found === undefined) return none;
  // Those that somebody sets are not to be ignored.
  const ignoresServers = named === undefined && isServerGiven && patch?.servers === undefined;
  const options = { path: found.path, ignoresServers, patch };
  return { file: await readConfigurationFile(options, around), warnings: found.warnings };
}

interface Line {
  readonly operands: Operands;
  readonly around: Surroundings;
}

function layersOf(values: Layer["values"], { operands, around: { variables } }: Line) {
  const flags = expandPairs({ origin: "flag", values, nameOf: flagName }, variables);
  const environment = expandPairs(environmentLayer(variables), variables);
  const layers = [
    withoutServer(environment.layer, serverGivenIn([flags.layer], operands) !== undefined),
    flags.layer,
  ];
  const shown = secretsOnLine({ written: values, expanded: flags.layer.values });
  const warnings = [...unknownVariables(variables), ...environment.warnings, ...flags.warnings, ...shown];
  return { layers, warnings };
}

/** A server on the command line goes before one in the environment, as every value does. */
function withoutServer(layer: Layer, isGiven: boolean): Layer {
  if (!isGiven) return layer;
  const values = Object.fromEntries(Object.entries(layer.values).filter(([key]) => !isWhichServer(key)));
  return { ...layer, values };
}

/** One that somebody has removed has no name. */
function workingDirectory(): string {
  try {
    return Deno.cwd();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "";
  }
}

function isFile(path: string): boolean {
  try {
    return !Deno.statSync(path).isDirectory;
  } catch {
    // What cannot be looked at cannot be read.
    return false;
  }
}
