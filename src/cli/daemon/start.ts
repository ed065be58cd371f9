/** `keystone start`: a gateway with a name, in the background unless told otherwise. */
import { optionName } from "../../base/option_name.ts";
import { escaped } from "../../base/outside.ts";
import { safeText } from "../../base/telling.ts";
import { ConfigError } from "../../core/errors.ts";
import { StateFolder } from "../../state/mod.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { helpOf } from "./help.ts";
import { runs } from "./known_gateway.ts";
import { launch } from "./launch.ts";
import { type StartFlags, startFlags } from "./own_flags.ts";
import { type ServingConfig, servingConfig } from "./serving_config.ts";

/** They may quote names of files and commands. */
const WARNING_CHARS = 1_000;

export async function run(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const flags = startFlags(args);
  if (flags.help) {
    context.stdout.write(helpOf("start"));
    return 0;
  }
  return await start(flags, context);
}

/** Throws ConfigError for what is wrong with the flags. */
export async function start(flags: StartFlags, context: CommandContext): Promise<ExitCode> {
  const serving = await servingConfig(flags.serving, context.version);
  if (!flags.foreground) return await inBackground(flags, serving, context);
  const { keep } = await import("./keep.ts");
  await keep(serving, flags, context);
  return 0;
}

async function inBackground(
  { name, serving: flags }: StartFlags,
  { config: { process: { state, lifetime, log: { logFile } } }, warnings }: ServingConfig,
  { stdout, stderr }: CommandContext,
): Promise<ExitCode> {
  if (lifetime.exitWithParent) {
    throw new ConfigError(`${optionName("exitWithParent")}: its parent ends at once here; leave it out`);
  }
  const folder = await StateFolder.open(state.stateDir);
  const runsAlready = async () => {
    const known = await folder.read(name).catch(() => undefined);
    if (!known || !runs(known)) return false;
    stderr.write(`keystone: gateway "${name}" runs already: pid ${known.pid}, ${known.urls[0] ?? ""}\n`);
    return true;
  };
  if (await runsAlready()) return 1;
  const log = logFile ?? folder.fileOf(name, "log");
  const launched = await launch({ name, folder, flags, log }).catch((error) => {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new ConfigError(`${optionName("logFile")} ${JSON.stringify(log)}: ${error.message}`, {
      cause: error,
    });
  });
  if (launched.kind === "died") {
    // What is in the log since then is the winner's.
    if (await runsAlready()) return 1;
    const silent =
      `keystone: gateway "${name}" died with code ${launched.code}, and could write nothing to ${log}\n`;
    stderr.write(launched.lastWords || silent);
    return launched.code === 2 ? 2 : 1;
  }
  const { pid, urls } = launched.record;
  const lines = [`Started "${name}", pid ${pid}`, ...urls.map((url) => `  ${url}`), `  log ${log}`];
  stdout.write(`${lines.join("\n")}\n`);
  // They are in the log as well, which nobody is looking at now.
  for (const text of warnings) stderr.write(`keystone: warning: ${escaped(safeText(text, WARNING_CHARS))}\n`);
  return 0;
}
