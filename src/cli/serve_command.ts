/** Serving in the foreground: what Keystone does without the word of a command. */
import { nameOptions } from "../base/option_name.ts";
import { knownVariables, parseArgs, surroundings } from "../config/mod.ts";
import type { CommandContext, ExitCode } from "./command.ts";
import { type Again, Source } from "./loading.ts";
import { refusePrompt } from "./prompting.ts";
import { serve } from "./serve.ts";

export async function run(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  // Kept, since the variables are not to reach what is started.
  const around = surroundings();
  const read = (again?: Again) => parseArgs(args, context.version, { ...around, ...again });
  const outcome = await read();
  if (outcome.kind !== "run") {
    context.stdout.write(`${outcome.text}\n`);
    return 0;
  }
  const { config, warnings, nameOf } = outcome;
  nameOptions(nameOf);
  for (const name of knownVariables()) Deno.env.delete(name);
  refusePrompt(config);
  await serve(config, { ...context, warnings, source: new Source(outcome, read) });
  return 0;
}
