import assert from "node:assert/strict";
import { ROOT } from "./run_deno.ts";
import { sourceFiles, statIfPresent } from "./source_files.ts";

const DOCUMENTS = [
  "README.md",
  "CONTRIBUTING.md",
  "docs/architecture.md",
  "docs/configuration.md",
  "docs/daemon.md",
  "docs/dependencies.md",
  "docs/install.md",
  "docs/release.md",
  "docs/runtime.md",
  "docs/security.md",
];
/** In backticks, of what we have; what a placeholder or a wildcard stands in is no path. */
const PATH = /`((?:[\w-]+\/)*[\w.-]+\.(?:ts|md|json|c|h)|(?:src|tests|scripts|docs)\/[\w/-]*)`/g;
Deno.test("every file that a document names exists", async () => {
  const known: string[] = [];
  for await (const path of sourceFiles(ROOT, ["main.ts", "src", "tests", "scripts"])) known.push(`/${path}`);
  const exists = async (path: string) =>
    known.some((file) => file.endsWith(`/${path}`)) || await statIfPresent(`${ROOT}/${path}`) !== undefined;
  let named = 0;
  const missing: string[] = [];
  for (const document of DOCUMENTS) {
    const text = await Deno.readTextFile(`${ROOT}/${document}`);
    for (const [_, path = ""] of text.matchAll(PATH)) {
      named++;
      if (!await exists(path)) missing.push(`${document}: ${path}`);
    }
  }
  assert(named > 100);
  assert.deepEqual(missing, []);
});
