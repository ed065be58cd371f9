/** The configuration of a gateway in the background, from the flags of serving. */
import { nameOptions, optionName } from "../../base/option_name.ts";
import { type Config, parseArgs, type Surroundings, surroundings } from "../../config/mod.ts";
import { NETWORK_TRANSPORTS } from "../../frontends/options.ts";
import { ConfigError } from "../../core/errors.ts";
import { type Again, type Configured, Source } from "../loading.ts";
import { refused } from "../prompting.ts";

export interface ServingConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
  readonly source: Source;
}

/** Throws ConfigError for all that is wrong with the flags, before anything is started. */
export async function servingConfig(flags: readonly string[], version: string): Promise<ServingConfig> {
  // Kept, since the variables are not to reach what is started.
  const around = surroundings();
  const read = (again?: Again) => parsed(flags, version, { ...around, ...again });
  const outcome = await read();
  const { config, warnings, nameOf } = outcome;
  nameOptions(nameOf);
  if (config.process.prompt.runtimePrompt) {
    throw refused("nobody is at the terminal of a gateway with a name");
  }
  if (outcome.origins.get("stateDir") === "file") {
    const why = "stop, status and the like would not find the gateway there";
    throw new ConfigError(`${optionName("stateDir")}: ${why}; use --stateDir, or KEYSTONE_STATE_DIR`);
  }
  if (isByStdio(config)) {
    throw new ConfigError(
      `${
        optionName("outputTransport")
      } stdio: nobody is on the stdin of a gateway with a name; leave stdio out`,
    );
  }
  return { config, warnings, source: new Source(outcome, read) };
}

/** A remote server is meant for clients on stdin unless somebody says otherwise; here there are none. */
async function parsed(flags: readonly string[], version: string, around: Surroundings): Promise<Configured> {
  const outcome = await parsedOnce(flags, version, around);
  const given = outcome.origins.get("outputTransport") !== "default";
  if (given || !isByStdio(outcome.config)) return outcome;
  return await parsedOnce([`--outputTransport=${NETWORK_TRANSPORTS.join(",")}`, ...flags], version, around);
}

async function parsedOnce(
  flags: readonly string[],
  version: string,
  around: Surroundings,
): Promise<Configured> {
  const outcome = await parseArgs(flags, version, around);
  if (outcome.kind === "run") return outcome;
  throw new ConfigError("--version: expected no such flag here; keystone --version tells it");
}

function isByStdio({ servers }: Config): boolean {
  return [...servers.values()].some(({ transports }) => transports.includes("stdio"));
}
