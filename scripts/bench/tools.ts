/** The programs of the machine that the benchmark needs or can use. */

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; undefined where it is not installed. */
export async function runTool(command: string, args: readonly string[]): Promise<Output | undefined> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], stdin: "null" })
      .output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Runs a program that must succeed; throws where it is missing or fails. */
export async function mustRun(command: string, args: readonly string[]): Promise<string> {
  const output = await runTool(command, args);
  if (!output) throw new Error(`${command} is not installed`);
  if (output.code !== 0) throw new Error(`${command} failed: ${output.stderr.trim()}`);
  return output.stdout;
}

/** The first line that a program says of its version; undefined where it is not installed. */
export async function versionOf(command: string, ...args: string[]): Promise<string | undefined> {
  const output = await runTool(command, args);
  return output && `${output.stdout}\n${output.stderr}`.trim().split("\n")[0];
}
