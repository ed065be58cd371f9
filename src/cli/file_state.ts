/** By what a file is known to be another one than before. */
export type FileState = string;

/** That of what a link leads to; one that is not there has a state, too. */
export function stateOf(path: string): FileState {
  try {
    const { mtime, size, ino, dev } = Deno.statSync(path);
    return [mtime?.getTime(), size, ino, dev].join(":");
  } catch (error) {
    return error instanceof Error ? error.name : "unknown";
  }
}
