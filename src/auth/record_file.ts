/** A file of records that several programs change and running gateways read, for its owner alone. */
import * as z from "zod";
import { messageOf } from "../core/errors.ts";
import { PRIVATE, realPathOf, writePrivately } from "../files/private_file.ts";
import { readSecretFile } from "../files/secret_file.ts";

const MAX_RECORDS = 10_000;
/** Changes take moments: who holds a file for longer has stopped, or means harm. */
const LOCK_WAIT_MS = 5_000;
const LOCK_PAUSE_MS = 10;

/** Names of records are told in logs and typed in commands. */
export const RECORD_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export interface RecordFile<T> {
  /** What stands in a file; without one there are none. Throws an Error that says what is wrong with it. */
  parse(text: string | undefined): readonly T[];
  /** Throws an Error that says why it cannot be read. */
  read(path: string): readonly T[];
  /** Nobody else changes them meanwhile. Throws an Error that says why the file cannot be read or written. */
  change(
    path: string,
    change: (records: readonly T[]) => readonly T[] | Promise<readonly T[]>,
  ): Promise<void>;
}

/** `what` is the key that the records have in the file. */
export function recordFile<S extends z.ZodType>(what: string, record: S): RecordFile<z.output<S>> {
  const schema = z.strictObject({ format: z.literal(1), [what]: z.array(record).max(MAX_RECORDS) });
  const parse = (text: string | undefined): z.output<S>[] => {
    if (text === undefined) return [];
    const result = schema.safeParse(parsedJson(text));
    if (result.success) return result.data[what] as z.output<S>[];
    const [issue] = result.error.issues;
    throw new Error(`it is no file of ${what}: ${issue?.path.join(".") || "it"}: ${faultIn(issue)}`);
  };
  const read = (path: string) => parse(textOf(path));
  return {
    ...{ parse, read },
    change: (path, change) =>
      locked(path, async (real) => {
        const records = await change(read(real));
        await writePrivately(real, `${JSON.stringify({ format: 1, [what]: records }, undefined, 2)}\n`);
      }),
  };
}

/**
 * The lock is a file beside it: the file itself is replaced, so that whoever reads has the old one or the new one. `act` is
 * told where it is, in case a link leads there. Throws an Error where another process holds it for longer than `waitMs`.
 */
export async function locked(
  path: string,
  act: (real: string) => Promise<void>,
  waitMs = LOCK_WAIT_MS,
): Promise<void> {
  const real = realPathOf(path);
  using lock = await Deno.open(`${real}.lock`, { create: true, write: true, mode: PRIVATE });
  if (!await isHad(lock, waitMs)) throw new Error(`another process holds ${real}.lock`);
  await act(real);
}

/** Nothing ends the wait for a lock but the lock itself, so it is asked for again and again. */
async function isHad(lock: Deno.FsFile, waitMs: number): Promise<boolean> {
  const end = performance.now() + waitMs;
  while (!await lock.tryLock(true)) {
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
  return true;
}

function textOf(path: string): string | undefined {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(messageOf(error));
  }
  const read = readSecretFile(path);
  if ("fault" in read) throw new Error(read.fault);
  return read.text;
}

/** Not in the words of the library for what it does not know: what stands behind `key:` is taken for a secret. */
function faultIn(issue: z.core.$ZodIssue | undefined): string | undefined {
  if (issue?.code !== "unrecognized_keys") return issue?.message;
  return `there is no field ${JSON.stringify(issue.keys[0]?.slice(0, 80))}`;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is no JSON");
  }
}
