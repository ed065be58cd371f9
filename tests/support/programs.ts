/** What else is on this machine: some tests want a program that not everybody has. */

/** What it prints on both streams, and undefined where it is not there or fails. */
export async function printedBy(program: string, ...args: readonly string[]): Promise<string | undefined> {
  try {
    const command = new Deno.Command(program, { args: [...args], stdin: "null" });
    const { success, stdout, stderr } = await command.output();
    return success ? [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("") : undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
}
