// deno-lint-ignore-file no-console -- scripts report to the terminal
/** What the scripts of a release have in common: how they fail. */

/** A release cannot go on; the message says why, and what to do. */
export class ShipError extends Error {
  override name = "ShipError";
}

/** Runs a script to its exit code: what it throws for its user becomes one line on stderr. */
export async function exitCodeOf(run: () => Promise<void>): Promise<number> {
  try {
    await run();
    return 0;
  } catch (error) {
    if (!(error instanceof ShipError)) throw error;
    console.error(error.message);
    return 1;
  }
}
