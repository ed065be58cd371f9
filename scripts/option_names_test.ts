import assert from "node:assert/strict";
import { findOption } from "../src/config/options.ts";
import { ROOT } from "./run_deno.ts";
import { sourceFiles } from "./source_files.ts";

Deno.test("optionName is asked for keys that the table has", async () => {
  const keys = new Map<string, string>();
  for await (const path of sourceFiles(ROOT, ["src"])) {
    if (path.endsWith("_test.ts")) continue;
    const source = await Deno.readTextFile(`${ROOT}/${path}`);
    for (const [, key = ""] of source.matchAll(/optionName\("([^"]*)"\)/g)) keys.set(key, path);
  }
  assert(keys.size > 30);
  for (const [key, path] of keys) assert(findOption(key), `${path} names ${key}`);
});
