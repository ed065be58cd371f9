import assert from "node:assert/strict";
import dev from "../deno.dev.json" with { type: "json" };
import product from "../deno.json" with { type: "json" };
import { sourceFiles } from "./source_files.ts";
import { ROOT } from "./run_deno.ts";
import { scanSource } from "./scan_source.ts";

Deno.test("deno.dev.json has what deno.json has, and beside it what tests and scripts alone import", () => {
  const versions: Record<string, string> = dev.imports;
  for (const [name, version] of Object.entries(product.imports)) assert.equal(versions[name], version, name);
  assert.deepEqual(dev.compilerOptions, product.compilerOptions);
  assert.deepEqual(dev.exclude, product.exclude);
});

Deno.test("deno.json pins what the program imports, and nothing else", async () => {
  const packages = new Set<string>();
  for await (const path of sourceFiles(ROOT, ["main.ts", "src"])) {
    if (path.endsWith("_test.ts")) continue;
    for (const name of scanSource(await Deno.readTextFile(`${ROOT}/${path}`)).imports) {
      if (!/^(\.|node:)/.test(name)) packages.add(packageOf(name));
    }
  }
  assert.deepEqual([...packages].sort(), Object.keys(product.imports).sort());
});

/** Without what is meant within it. */
function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
