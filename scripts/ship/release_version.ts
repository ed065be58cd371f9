// deno-lint-ignore-file no-console -- a script reports to the terminal
/** Prints the version, if the tag that is given is its tag: `release_version.ts v1.2.3`. It stands in deno.json and nowhere else. */
import config from "../../deno.json" with { type: "json" };
import { exitCodeOf, ShipError } from "./ship_error.ts";

export const VERSION: string = config.version;

/** Throws ShipError for a tag of another version. */
export function checkTag(tag: string, version = VERSION): void {
  if (tag === `v${version}`) return;
  throw new ShipError(
    `The tag "${tag}" is not that of version ${version}: tag v${version}, or change "version" in deno.json`,
  );
}

/** Returns the exit code. */
export function main([tag]: readonly string[]): Promise<number> {
  return exitCodeOf(() => {
    if (tag !== undefined) checkTag(tag);
    console.log(VERSION);
    return Promise.resolve();
  });
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
