// deno-lint-ignore-file no-console -- a script reports to the terminal
/** Writes dist/SHA256SUMS, which `sha256sum --check` and `shasum -a 256 --check` read: a line for each file beside it. */
import { createHash } from "node:crypto";
import { ROOT } from "../run_deno.ts";
import { exitCodeOf, ShipError } from "./ship_error.ts";

export const SUMS = "SHA256SUMS";

/** Resolves to the names of the files. Throws ShipError where there is none. */
export async function writeChecksums(folder: string): Promise<string[]> {
  const names = await filesOf(folder);
  if (names.length === 0) throw new ShipError(`${folder} has no file: build what is to be released first`);
  const lines: string[] = [];
  for (const name of names) lines.push(`${await sha256(`${folder}/${name}`)}  ${name}\n`);
  await Deno.writeTextFile(`${folder}/${SUMS}`, lines.join(""));
  return names;
}

async function filesOf(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) if (isFile && name !== SUMS) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

/** In pieces: a binary is a hundred megabytes. */
async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await Deno.open(path);
  for await (const piece of file.readable) hash.update(piece);
  return hash.digest("hex");
}

/** Returns the exit code. */
export function main([folder = `${ROOT}/dist`]: readonly string[]): Promise<number> {
  return exitCodeOf(async () => {
    const names = await writeChecksums(folder);
    console.log(`${SUMS} of ${names.length} files`);
  });
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
