/** `keystone restart`: the flags of `start` once more, with those that are given anew. */
import { isAbsolute } from "node:path";
import { GatewayError, messageOf } from "../../core/errors.ts";
import { mergedFlags } from "../../config/mod.ts";
import { type GatewayRecord, StateFolder } from "../../state/mod.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { helpOf } from "./help.ts";
import { notRunning, recordOf, restartLine, runs, stopRunning } from "./known_gateway.ts";
import { startFlags, stateDirOf } from "./own_flags.ts";
import { servingConfig } from "./serving_config.ts";
import { start } from "./start.ts";

export async function run(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const given = startFlags(args);
  if (given.help) {
    context.stdout.write(helpOf("restart"));
    return 0;
  }
  const { name, graceMs, serving } = given;
  const folder = await StateFolder.open(stateDirOf(serving));
  // One that was killed has left its flags.
  const record = await recordOf(folder, name);
  if (!record) {
    context.stderr.write(await notRunning(folder, name));
    return 3;
  }
  // It was meant from where we were called.
  const isHere = stateDirOf(serving) !== undefined || !isAbsolute(Deno.env.get("KEYSTONE_STATE_DIR") || "/");
  const withFolder = (flags: readonly string[]) =>
    isHere ? mergedFlags(flags, [`--stateDir=${folder.path}`], context.version) : flags;
  enter(record);
  const flags = { ...given, serving: withFolder(mergedFlags(record.flags, serving, context.version)) };
  // Before anything is stopped.
  await servingConfig(flags.serving, context.version);
  if (runs(record)) await stopRunning(folder, record, graceMs);
  let code: ExitCode | undefined;
  try {
    return code = await start(flags, context);
  } finally {
    if (code !== 0) await keepFlags(folder, record, context);
  }
}

/** What only a start can tell, such as that a port is taken, does not cost the flags. */
async function keepFlags(folder: StateFolder, record: GatewayRecord, { stderr }: CommandContext) {
  if (!await folder.leave(record)) return;
  stderr.write(
    `keystone: gateway "${record.name}" is stopped, and keeps its flags: ${
      restartLine(record.name)
    } tries once more\n`,
  );
}

/** Relative paths among the flags mean what they meant. */
function enter({ cwd }: GatewayRecord): void {
  try {
    Deno.chdir(cwd);
  } catch (cause) {
    throw new GatewayError(`cannot go to ${cwd}, where it was started: ${messageOf(cause)}`, { cause });
  }
}
