/** What tests want of the world and this machine does not have: fetched and built once, in the user's cache. */

interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Whether it is missing, or says something else. */
export async function lacks(program: string, args: readonly string[], right: RegExp): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command(program, { args: [...args], stdin: "null", stderr: "null" })
      .output();
    return !right.test(new TextDecoder().decode(stdout));
  } catch {
    return true; // There is none, or none that can be run.
  }
}

/** The folder of what was made of these files, made in one step: others may be at it at the same time. */
export async function prepared(
  name: string,
  files: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const parent = cacheFolder();
  const folder = `${parent}/${name}-${await digest(files)}`;
  if (await exists(folder)) return folder;
  await Deno.mkdir(parent, { recursive: true });
  const making = await Deno.makeTempDir({ dir: parent });
  try {
    await make(making);
    await Deno.rename(making, folder);
  } catch (error) {
    await Deno.remove(making, { recursive: true });
    // Somebody else was first.
    if (!await exists(folder)) throw error;
  }
  return folder;
}

function cacheFolder(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? ""}/.cache`;
  return `${home}/keystone-tests`;
}

async function digest(files: readonly string[]): Promise<string> {
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(texts.join("\0")));
  return new Uint8Array(bytes.slice(0, 8)).toHex();
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Throws with what it said. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    ...options,
  }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}:\n${new TextDecoder().decode(stderr).trim()}`);
}
