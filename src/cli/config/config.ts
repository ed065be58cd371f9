/** `keystone config …`: what can be done with a configuration besides serving it. */
import { ConfigError } from "../../core/errors.ts";
import type { Command, CommandContext, ExitCode } from "../command.ts";

const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map<string, () => Promise<Command>>([
  ["validate", () => import("./validate.ts")],
  ["print", () => import("./print.ts")],
  ["schema", () => import("./schema.ts")],
]);

export async function run(
  [word = "", ...args]: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  const load = COMMANDS.get(word);
  if (!load) {
    const shown = word === "" ? "" : ` ${JSON.stringify(word.slice(0, 40))}`;
    throw new ConfigError(`config${shown}: expected validate FILE, print or schema`);
  }
  const { run } = await load();
  return await run(args, context);
}
