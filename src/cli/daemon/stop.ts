/** `keystone stop`. */
import { StateFolder } from "../../state/mod.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { helpOf } from "./help.ts";
import { findRunning, notRunning, stopRunning } from "./known_gateway.ts";
import { readGrace, readOwnFlags } from "./own_flags.ts";

export async function run(args: readonly string[], { stdout, stderr }: CommandContext): Promise<ExitCode> {
  const given = readOwnFlags("stop", args, { flags: { grace: { type: "string" } } });
  if (given.on("help")) {
    stdout.write(helpOf("stop"));
    return 0;
  }
  const graceMs = readGrace(given.text("grace"));
  const folder = await StateFolder.open(given.stateDir);
  const record = await findRunning(folder, given.name);
  if (!record) {
    stderr.write(await notRunning(folder, given.name));
    return 0;
  }
  const how = await stopRunning(folder, record, graceMs);
  stdout.write(how === "stopped" ? `Stopped "${given.name}"\n` : killed(given.name, graceMs));
  return 0;
}

function killed(name: string, graceMs: number): string {
  return `Killed "${name}": it did not stop within ${graceMs / 1_000} s (--grace)\n`;
}
