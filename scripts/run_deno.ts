/** Runs the Deno that runs this script, whatever the PATH says. */
import { fileURLToPath } from "node:url";

/** The checkout's folder, without a slash at its end. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");

/** What tests and scripts import is pinned there, so that whoever only starts the program fetches none of it. */
export const DEV_CONFIG = "deno.dev.json";

interface RunDenoOptions {
  cwd?: string;
  env?: Record<string, string>;
}

interface DenoOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of our scripts, named from the checkout's folder. */
export function runScript(name: string, args: readonly string[] = []): Promise<DenoOutput> {
  return runDeno(["run", "-A", "--config", DEV_CONFIG, name, ...args]);
}

/** Collects what `deno` prints, uncoloured; a failure is a code and never a throw. */
export async function runDeno(args: readonly string[], options: RunDenoOptions = {}): Promise<DenoOutput> {
  const { cwd = ROOT, env = {} } = options;
  const output = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}
