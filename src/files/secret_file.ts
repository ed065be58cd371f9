/** Files with secrets: for their owner alone. */
import { type FileText, readSmallFile } from "./small_file.ts";

const OF_OTHERS = 0o077;

/** As `readSmallFile`; what others may read or write is a fault on systems that tell. */
export function readSecretFile(path: string): FileText {
  const read = readSmallFile(path);
  if ("fault" in read) return read;
  const { mode } = Deno.statSync(path);
  if (mode === null || (mode & OF_OTHERS) === 0) return read;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  return { fault: `others than its owner may use it (mode ${octal}), and it holds secrets: chmod 600 it` };
}
