/** The configuration of a gateway in the background, from the flags of serving. */
import { nameOptions, optionName } from "../../base/option_name.ts";
import { type Config, parseArgs, refuseSlowPatterns } from "../../config/mod.ts";
import { NETWORK_TRANSPORTS } from "../../frontends/options.ts";
import { ConfigError } from "../../core/errors.ts";

export interface ServingConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
}

/** Throws ConfigError for all that is wrong with the flags, before anything is started. */
export async function servingConfig(flags: readonly string[], version: string): Promise<ServingConfig> {
  const outcome = await parsed(flags, version);
  const { config, warnings, nameOf } = outcome;
  nameOptions(nameOf);
  await refuseSlowPatterns(config.process.origins.cors);
  if (isByStdio(config)) {
    throw new ConfigError(
      `${
        optionName("outputTransport")
      } stdio: nobody is on the stdin of a gateway with a name; leave stdio out`,
    );
  }
  return { config, warnings };
}

/** A remote server is meant for clients on stdin unless somebody says otherwise; here there are none. */
async function parsed(flags: readonly string[], version: string) {
  const outcome = await parsedOnce(flags, version);
  const given = outcome.origins.get("outputTransport") !== "default";
  if (given || !isByStdio(outcome.config)) return outcome;
  return await parsedOnce([`--outputTransport=${NETWORK_TRANSPORTS.join(",")}`, ...flags], version);
}

async function parsedOnce(flags: readonly string[], version: string) {
  const outcome = await parseArgs(flags, version);
  if (outcome.kind === "run") return outcome;
  throw new ConfigError("--version: expected no such flag here; keystone --version tells it");
}

function isByStdio({ servers }: Config): boolean {
  return [...servers.values()].some(({ transports }) => transports.includes("stdio"));
}
