/** Finds the project's own source files. */

const SOURCE = /\.(?:[mc]?[jt]s|[jt]sx)$/;
const NOT_OURS = /^(?:\.|node_modules$|dist$)/;

/** Yields every source file under the given files and folders, sorted within a folder, as a `/`-separated path below `root`. */
export async function* sourceFiles(root: string, starts: readonly string[]): AsyncGenerator<string> {
  for (const start of starts) {
    const info = await statIfPresent(`${root}/${start}`);
    if (info?.isDirectory) yield* walk(root, start);
    else if (info?.isFile) yield start;
  }
}

/** The newest modification time among the files, in milliseconds; 0 when there is none. */
export async function newestChange(
  root: string,
  paths: AsyncIterable<string> | Iterable<string>,
): Promise<number> {
  let newest = 0;
  for await (const path of paths) {
    const info = await statIfPresent(`${root}/${path}`);
    newest = Math.max(newest, info?.mtime?.getTime() ?? 0);
  }
  return newest;
}

/** Like `Deno.stat`, and undefined where there is nothing. */
export async function statIfPresent(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
}

async function* walk(root: string, folder: string): AsyncGenerator<string> {
  const entries = await Array.fromAsync(Deno.readDir(`${root}/${folder}`));
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const entry of entries) {
    if (NOT_OURS.test(entry.name)) continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* walk(root, path);
    else if (entry.isFile && SOURCE.test(entry.name)) yield path;
  }
}
