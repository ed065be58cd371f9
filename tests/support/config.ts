/** Configurations as a command line makes them. */
import { flagName } from "../../src/base/option_name.ts";
import type { Config, ProcessConfig, ServerConfig } from "../../src/config/config.ts";
import { layered } from "../../src/config/layers.ts";
import { options, type RawOptions } from "../../src/config/options.ts";
import type { ParsedOptions } from "../../src/config/problem.ts";
import { accepted, resolve, type Resolved } from "../../src/config/resolve.ts";
import type { Operands } from "../../src/config/server_input.ts";

type Process<K extends keyof ProcessConfig> = ProcessConfig[K];
/** Settings of the process and of its one server in one record. */
export type FlatConfig =
  & ServerConfig
  & Process<"listen">
  & Process<"origins">
  & Process<"clients">
  & Process<"bodies">
  & Process<"unread">
  & Process<"log">
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
