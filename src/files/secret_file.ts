/** Files with secrets, for their owner alone, and those that say whom to trust, which nobody else may write. */
import { type FileText, type ReadOptions, readSmallFile } from "./small_file.ts";

const OF_OTHERS = 0o077;
const WRITTEN_BY_OTHERS = 0o022;
const OF_GROUP_TO_READ = 0o040;
const ROOT = 0;

/**
 * As `readSmallFile`; what others may read or write is a fault on systems that tell. A file of root may be readable by
 * its group where we are somebody else: root has put it there for us, as Kubernetes does with `fsGroup`.
 */
export function readSecretFile(path: string, options?: ReadOptions): FileText {
  const read = readSmallFile(path, options);
  if ("fault" in read) return read;
  const { mode, uid } = Deno.statSync(path);
  const fault = modeFault({ mode, uid }, Deno.build.os === "windows" ? null : Deno.uid());
  if (fault === undefined) return read;
  return {
    fault: `${fault}${isMounted(path) ? " (defaultMode 0400 of the volume that it is mounted from)" : ""}`,
  };
}

/** As `readSmallFile`; what others may write is a fault on systems that tell. */
export function readGuardedFile(path: string): FileText {
  const read = readSmallFile(path);
  if ("fault" in read) return read;
  const { mode } = Deno.statSync(path);
  if (mode === null || (mode & WRITTEN_BY_OTHERS) === 0) return read;
  const others = `others than its owner may write it (mode ${octal(mode)})`;
  return { fault: `${others}, and it says whom to trust: chmod 644 it` };
}

interface Permissions {
  readonly mode: number | null;
  /** Of its owner. */
  readonly uid: number | null;
}

/** Undefined where nobody else may use it, or nobody can tell; `us` is who we are. */
export function modeFault({ mode, uid }: Permissions, us: number | null): string | undefined {
  if (mode === null) return undefined;
  const allowed = uid === ROOT && us !== ROOT ? OF_GROUP_TO_READ : 0;
  if ((mode & OF_OTHERS & ~allowed) === 0) return undefined;
  return `others than its owner may use it (mode ${
    octal(mode)
  }), and it holds secrets; expected mode 600 (chmod 600)`;
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}

/** Kubernetes puts links there, to a folder of each version. */
function isMounted(path: string): boolean {
  return /[/\\]\.\.[^/\\]/.test(Deno.realPathSync(path));
}
