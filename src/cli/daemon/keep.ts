/** A gateway with a name, in this process: it holds the lock of its name, and has a record while it serves. */
import { makeToken } from "../../admin/mod.ts";
import { type Config, knownVariables } from "../../config/mod.ts";
import { GatewayError } from "../../core/errors.ts";
import { startOf, StateFolder } from "../../state/mod.ts";
import type { CommandContext } from "../command.ts";
import { serve } from "../serve.ts";
import { holderText, runs } from "./known_gateway.ts";
import type { StartFlags } from "./own_flags.ts";
import type { ServingConfig } from "./serving_config.ts";

/** To listen takes no second, nor does the end of a process. */
const LOCK_MS = 10_000;
const POLL_MS = 25;

/** Settles when it has stopped. Throws GatewayError where one of that name runs already. */
export async function keep(
  { config, warnings, source }: ServingConfig,
  flags: StartFlags,
  context: CommandContext,
): Promise<void> {
  const { name, nonce } = flags;
  for (const variable of knownVariables()) Deno.env.delete(variable);
  const folder = await StateFolder.open(config.process.state.stateDir);
  using _lock = await lockName(folder, name);
  const log = config.process.log.logFile ?? (nonce === undefined ? undefined : folder.fileOf(name, "log"));
  const token = makeToken();
  const start = startOf(Deno.pid);
  // What is read anew knows nothing of the log that a gateway with a name has by itself.
  const withLog = (config: Config) => withLogFile(config, config.process.log.logFile ?? log);
  try {
    await serve(withLog(config), {
      ...{ ...context, warnings, source: source.with(withLog) },
      kept: {
        ...{ token, tokenPath: folder.fileOf(name, "json"), quiet: nonce !== undefined },
        ready: ({ urls, adminUrl }) =>
          folder.write({
            ...{ format: 1, name, pid: Deno.pid, version: context.version, urls: [...urls] },
            ...start !== undefined && { start },
            ...nonce !== undefined && { nonce },
            startedAt: new Date().toISOString(),
            admin: { url: adminUrl, token },
            ...log !== undefined && { log },
            flags: [...flags.serving],
            cwd: Deno.cwd(),
          }),
      },
    });
  } finally {
    await folder.remove(name);
  }
}

/** One that has just ended has its lock until the last of its threads is gone; one that starts has no record yet. */
async function lockName(folder: StateFolder, name: string): Promise<Disposable> {
  const deadline = performance.now() + LOCK_MS;
  while (true) {
    const lock = await folder.lock(name);
    if (lock) return lock;
    const record = await folder.read(name).catch(() => undefined);
    if (record && runs(record)) throw new GatewayError(`gateway "${name}" runs already: pid ${record.pid}`);
    if (performance.now() > deadline) {
      const holder = await folder.holder(name);
      const who = holder ? holderText(holder) : "its lock was held until now";
      throw new GatewayError(
        `gateway "${name}" runs without a record, or is being started elsewhere: ${who}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function withLogFile({ process, servers }: Config, logFile: string | undefined): Config {
  if (logFile === undefined) return { process, servers };
  return { process: { ...process, log: { ...process.log, logFile } }, servers };
}
