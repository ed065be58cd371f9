/** Files that nobody but their owner may read. */
import { dirname, resolve } from "node:path";

/** For the owner alone. */
export const PRIVATE = 0o600;

/** Where a file is, or would be, that a link leads to: who replaced the link would leave the file as it was. */
export function realPathOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    const target = error instanceof Deno.errors.NotFound ? linkIn(path) : undefined;
    return target === undefined ? path : realPathOf(resolve(dirname(path), target));
  }
}

/** Undefined where there is none. */
function linkIn(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}

/** A reader has the old file or the new one, and never a part of it. */
export async function writePrivately(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${crypto.randomUUID()}.new`;
  try {
    await Deno.writeTextFile(unfinished, text, { createNew: true, mode: PRIVATE });
    await Deno.rename(unfinished, path);
  } catch (error) {
    await removeIfPresent(unfinished);
    throw error;
  }
}

/**
 * Why a file that somebody has named cannot be made; undefined where its folder is there. A folder that is missing is
 * mostly a typing error, so it is not made.
 */
export function folderFault(path: string): string | undefined {
  const folder = dirname(resolve(path));
  try {
    if (Deno.statSync(folder).isDirectory) return undefined;
  } catch (error) {
    // Whoever writes there says what else is wrong.
    if (!(error instanceof Deno.errors.NotFound)) return undefined;
  }
  return `there is no folder ${folder}; make it, or name a file in another one`;
}

export async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Undefined where there is no such file. Throws RangeError for one that is larger. */
export async function readBounded(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    using file = await Deno.open(path);
    if ((await file.stat()).size > maxBytes) throw new RangeError(`it is larger than ${maxBytes} bytes`);
    return await new Response(file.readable).text();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
