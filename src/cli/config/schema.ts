/** `keystone config schema`: the JSON Schema of a configuration file, for editors. */
import { fileSchema } from "../../config/commands.ts";
import { ConfigError } from "../../core/errors.ts";
import type { CommandContext, ExitCode } from "../command.ts";

export function run(args: readonly string[], { stdout }: CommandContext): Promise<ExitCode> {
  if (args.length > 0) throw new ConfigError("config schema: expected nothing after it");
  stdout.write(`${JSON.stringify(fileSchema(), undefined, 2)}\n`);
  return Promise.resolve(0);
}
