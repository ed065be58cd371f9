/** What git says of the checkout. */
import { ROOT } from "../run_deno.ts";
import { ShipError } from "./ship_error.ts";

/** Throws ShipError with git's own words. */
export async function git(args: readonly string[], root = ROOT): Promise<string> {
  const { success, stdout, stderr } = await started(args, root);
  if (success) return new TextDecoder().decode(stdout).trimEnd();
  throw new ShipError(`git ${args[0]}: ${new TextDecoder().decode(stderr).trim()}`);
}

async function started(args: readonly string[], root: string): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command("git", { args: [...args], cwd: root, stdin: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new ShipError("git is not on the PATH: install it", { cause: error });
  }
}
