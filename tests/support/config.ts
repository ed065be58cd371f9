/** Configurations as a command line makes them. */
import { flagName } from "../../src/base/option_name.ts";
import type { Config, ProcessConfig, ServerConfig } from "../../src/config/config.ts";
import { layered } from "../../src/config/layers.ts";
import { parseArgs, type ParseOutcome, type Surroundings } from "../../src/config/mod.ts";
import { options, type RawOptions } from "../../src/config/options.ts";
import type { ParsedOptions } from "../../src/config/problem.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { accepted, resolve, type Resolved } from "../../src/config/resolve.ts";
import type { Operands } from "../../src/config/server_input.ts";

/** Where no file and no variable says anything. */
export const NOWHERE: Surroundings = {
  ...{ variables: {}, cwd: "/nowhere", home: undefined, os: "linux" },
  exists: () => false,
};

type Process<K extends keyof ProcessConfig> = ProcessConfig[K];
/** Settings of the process and of its one server in one record. */
export type FlatConfig =
  & ServerConfig
  & Process<"listen">
  & Process<"tls">
  & Process<"origins">
  & Process<"auth">
  & Process<"jwt">
  & Process<"clients">
  & Process<"bodies">
  & Process<"unread">
  & Process<"log">
  & Process<"admin">
  & Process<"state">
  & Process<"lifetime">;

export function flags(values: RawOptions) {
  return { origin: "flag", values, nameOf: flagName } as const;
}

/** Throws ConfigError for what is refused. */
export function resolved(raw: RawOptions, operands: Operands = { argv: [] }): Resolved {
  return accepted(resolve([flags(raw)], operands));
}

export function flat({ process, servers }: Config): FlatConfig {
  return Object.assign({}, ...Object.values(process), ...servers.values());
}

/** Throws for a value that cannot be read. */
export function parsedOptions(raw: RawOptions): ParsedOptions {
  return { ...layered([flags(raw)]), values: options.parse(raw) };
}

type Run = Extract<ParseOutcome, { kind: "run" }>;

/** What a command line comes to. Throws ConfigError for what is refused. */
export async function parsed(argv: readonly string[], around: Partial<Surroundings> = {}): Promise<Run> {
  const outcome = await parseArgs(argv, "1.2.3", { ...NOWHERE, ...around });
  if (outcome.kind !== "run") throw new TypeError(`${argv.join(" ")} asks for a text`);
  return outcome;
}

/** All that is wrong with it, one problem a line. */
export async function refusalOf(
  argv: readonly string[],
  around: Partial<Surroundings> = {},
): Promise<string> {
  try {
    await parsed(argv, around);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new TypeError(`${argv.join(" ")} was accepted`);
}
