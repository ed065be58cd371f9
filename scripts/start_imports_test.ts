/** What each start has to load, whatever it is for: by the compiler's own reading of the sources, and of the bundle. */
import assert from "node:assert/strict";
import { bundle } from "./bundle.ts";
import { runDeno } from "./run_deno.ts";

/** All else is loaded by what alone needs it. */
const PACKAGES = ["@logtape/logtape", "commander", "cookie", "eventsource-parser", "hono", "zod"];
/** Each of the others takes milliseconds of every start; `import` of a lazy module loads them at the top of the bundle. */
const BUILTINS = [
  ...["buffer", "child_process", "crypto", "events", "fs", "net", "path", "process", "timers", "url", "util"],
].map((name) => `node:${name}`);
const MAX_BUNDLE_KIB = 1_900;

interface Graph {
  readonly roots: readonly string[];
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier?: string };
    }[];
  }[];
}

/** What is imported from the first module on, without what is imported when somebody needs it. */
async function importedAtStart(entry: string): Promise<string[]> {
  const { stdout } = await runDeno(["info", "--json", entry]);
  const { roots, modules }: Graph = JSON.parse(stdout);
  const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
  const seen = new Set<string>();
  const next = [...roots];
  for (let specifier = next.pop(); specifier !== undefined; specifier = next.pop()) {
    if (seen.has(specifier)) continue;
    seen.add(specifier);
    for (const { isDynamic, code } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier !== undefined) next.push(code.specifier);
    }
  }
  return [...seen].filter((specifier) => !specifier.startsWith("file:"));
}

Deno.test("a start loads the packages that every start needs, and no other", async () => {
  const packages = (await importedAtStart("main.ts")).flatMap((specifier) =>
    /^npm:\/?((?:@[^/]+\/)?[^/@]+)/.exec(specifier)?.[1] ?? []
  );
  assert.deepEqual([...new Set(packages)].sort(), PACKAGES);
});

Deno.test("the bundle has a bounded size, and loads no built-in module but those of each start", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const output = `${folder}/keystone.js`;
    const kib = await bundle({ output }) / 1024;
    const imported = (await importedAtStart(output)).filter((specifier) => specifier.startsWith("node:"));
    assert(imported.length > 5);
    assert.deepEqual(imported.filter((name) => !BUILTINS.includes(name)), []);
    assert(kib < MAX_BUNDLE_KIB, `${kib} KiB`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
