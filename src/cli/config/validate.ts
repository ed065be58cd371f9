/** `keystone config validate FILE`: all that is wrong with a file, at once. */
import { validateFile } from "../../config/commands.ts";
import { ConfigError } from "../../core/errors.ts";
import type { CommandContext, ExitCode } from "../command.ts";

export async function run(args: readonly string[], { stdout, stderr }: CommandContext): Promise<ExitCode> {
  const [path, ...others] = args;
  if (path === undefined || others.length > 0 || path.startsWith("-")) {
    throw new ConfigError(`config validate: expected one file, as in keystone config validate keystone.toml`);
  }
  const { problems, warnings, servers } = await validateFile(path);
  for (const text of warnings) stderr.write(`warning: ${text}\n`);
  for (const text of problems) stderr.write(`${text}\n`);
  if (problems.length > 0) return 2;
  stdout.write(`${path}: ok, ${servers} ${servers === 1 ? "server" : "servers"}\n`);
  return 0;
}
