/** `keystone config print`: each value that counts, and where it comes from. */
import { type EffectiveConfiguration, effectiveConfiguration, parseArgs } from "../../config/commands.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { configurationText } from "./configuration_text.ts";

/** Takes what serving takes, and `--json`. */
export async function run(
  args: readonly string[],
  { version, stdout, stderr }: CommandContext,
): Promise<ExitCode> {
  const dashes = args.includes("--") ? args.indexOf("--") : args.length;
  const isJson = args.slice(0, dashes).includes("--json");
  const outcome = await parseArgs(args.filter((arg, at) => arg !== "--json" || at > dashes), version);
  if (outcome.kind !== "run") {
    stdout.write(`${outcome.text}\n`);
    return 0;
  }
  for (const text of outcome.warnings) stderr.write(`warning: ${text}\n`);
  const configuration = effectiveConfiguration(outcome);
  stdout.write(isJson ? jsonText(configuration) : configurationText(configuration));
  return 0;
}

function jsonText({ sections, servers }: EffectiveConfiguration): string {
  return `${JSON.stringify({ ...sections, servers }, undefined, 2)}\n`;
}
