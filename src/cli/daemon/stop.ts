/** `keystone stop`. */
import { GatewayError } from "../../core/errors.ts";
import { StateFolder } from "../../state/mod.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { helpOf } from "./help.ts";
import { findRunning, lost, notRunning, POLL_MS, stopRunning } from "./known_gateway.ts";
import { readGrace, readOwnFlags } from "./own_flags.ts";

export async function run(args: readonly string[], { stdout, stderr }: CommandContext): Promise<ExitCode> {
  const given = readOwnFlags("stop", args, { flags: { grace: { type: "string" } } });
  if (given.on("help")) {
    stdout.write(helpOf("stop"));
    return 0;
  }
  const graceMs = readGrace(given.text("grace"));
  const folder = await StateFolder.open(given.stateDir);
  const record = await runningSoon(folder, given.name, graceMs);
  if (!record) {
    await folder.clear(given.name);
    stderr.write(await notRunning(folder, given.name));
    return 0;
  }
  const how = await stopRunning(folder, record, graceMs);
  stdout.write(how === "stopped" ? `Stopped "${given.name}"\n` : killed(given.name, graceMs));
  return 0;
}

/** One that starts has no record yet, and one that stops has none any more. Throws GatewayError where that goes on. */
async function runningSoon(folder: StateFolder, name: string, ms: number) {
  const deadline = performance.now() + ms;
  while (true) {
    const record = await findRunning(folder, name);
    if (record) return record;
    const holder = await folder.holder(name);
    if (holder === undefined) return undefined;
    if (performance.now() > deadline) throw new GatewayError(lost(name, holder));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function killed(name: string, graceMs: number): string {
  return `Killed "${name}": it did not stop within ${graceMs / 1_000} s (--grace)\n`;
}
