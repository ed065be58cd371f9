/** Files with secrets, for their owner alone, and those that say whom to trust, which nobody else may write. */
import { type FileText, readSmallFile } from "./small_file.ts";

const OF_OTHERS = 0o077;
const WRITTEN_BY_OTHERS = 0o022;

/** As `readSmallFile`; what others may read or write is a fault on systems that tell. */
export function readSecretFile(path: string): FileText {
  return unlessAllowed(
    path,
    OF_OTHERS,
    (mode) => `others than its owner may use it (mode ${mode}), and it holds secrets: chmod 600 it`,
  );
}

/** As `readSmallFile`; what others may write is a fault on systems that tell. */
export function readGuardedFile(path: string): FileText {
  return unlessAllowed(
    path,
    WRITTEN_BY_OTHERS,
    (mode) => `others than its owner may write it (mode ${mode}), and it says whom to trust: chmod 644 it`,
  );
}

function unlessAllowed(path: string, forbidden: number, faultOf: (mode: string) => string): FileText {
  const read = readSmallFile(path);
  if ("fault" in read) return read;
  const { mode } = Deno.statSync(path);
  if (mode === null || (mode & forbidden) === 0) return read;
  return { fault: faultOf((mode & 0o777).toString(8).padStart(4, "0")) };
}
