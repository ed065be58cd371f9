/** Collects garbage now, for a test of what must survive that. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { settled } from "./far_end.ts";

export async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("This runtime cannot be told to collect garbage");
  for (let round = 0; round < 3; round++) {
    collect();
    await settled();
  }
}
