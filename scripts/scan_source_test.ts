import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { DEV_CONFIG, ROOT, runDeno } from "./run_deno.ts";
import { scanSource } from "./scan_source.ts";
import { sourceFiles } from "./source_files.ts";

Deno.test("scanSource finds every form of import", () => {
  const { imports } = scanSource(`
    import "./effect.ts";
    import fallback, { type A, b as c } from "./values.ts";
    import type { D } from './types.ts';
    import data from "./data.json" with { type: "json" };
    export * from "./all.ts";
    export * as named from "./named.ts";
    export { e } from "./some.ts";
    export type { F } from "./some_types.ts";
    const lazy = await import("./lazy.ts");
    const plain = import(\`./template.ts\`);
    type Place = import("./in_place.ts").Place;
    import {
      long, // with a comment
    } /* and another */ from
      "./long.ts";
  `);
  assert.deepEqual(imports, [
    "./effect.ts",
    "./values.ts",
    "./types.ts",
    "./data.json",
    "./all.ts",
    "./named.ts",
    "./some.ts",
    "./some_types.ts",
    "./lazy.ts",
    "./template.ts",
    "./in_place.ts",
    "./long.ts",
  ]);
});

Deno.test("scanSource is not misled by comments, strings, templates, regular expressions and properties", () => {
  const { imports } = scanSource(`
    // import "./line.ts";
    /** import "./block.ts"; */
    const text = 'import "./single.ts"', other = "from './double.ts'", sure = "\\"";
    const template = \`import "./template.ts" \${ { a: \`\${1} from "./nested.ts"\` }.a } from "./after.ts"\`;
    const quotes = /["'\`/]/.test(text) || /[/"]+'/u.test(other);
    const half = text.length / 2, ratio = half / 3; // "
    Array.from("./array.ts"); loader.import("./method.ts"); const moved = { from: "./property.ts" };
    const unknown = await import(text + "./computed.ts"), url = new URL("./url.ts", import.meta.url);
    export { kept } from "./kept.ts";
  `);
  assert.deepEqual(imports, ["./kept.ts"]);
});

Deno.test("scanSource lists identifiers and leaves out comments and strings", () => {
  const { names } = scanSource('// Deno.cwd()\nconst a = "Deno.env", b = `Deno ${inner}`; /Deno/.test(a);');
  assert.equal(names.has("Deno"), false);
  assert.equal(names.has("inner"), true);
  assert.equal(scanSource("globalThis.Deno.cwd()").names.has("Deno"), true);
});

Deno.test("scanSource agrees with the compiler about every source of this project", async () => {
  const paths = await Array.fromAsync(sourceFiles(ROOT, ["src", "scripts"]));
  const compiled = await importsByCompiler(paths.map((path) => pathToFileURL(`${ROOT}/${path}`).href));
  for (const path of paths) {
    const { imports } = scanSource(await Deno.readTextFile(`${ROOT}/${path}`));
    const expected = compiled.get(pathToFileURL(`${ROOT}/${path}`).href);
    assert.deepEqual([...new Set(imports)].sort(), expected, path);
  }
});

/** Asks `deno info` once, through an entry that imports all files. */
async function importsByCompiler(files: readonly string[]): Promise<Map<string, string[]>> {
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(entry, files.map((file) => `import "${file}";`).join("\n"));
    const args = ["info", "--json", "--no-lock", "--config", `${ROOT}/${DEV_CONFIG}`, entry];
    const graph: { modules: GraphModule[] } = JSON.parse((await runDeno(args)).stdout);
    return new Map(graph.modules.map(({ specifier, dependencies = [] }) => {
      return [specifier, dependencies.map((dependency) => dependency.specifier).sort()];
    }));
  } finally {
    await Deno.remove(entry);
  }
}

interface GraphModule {
  specifier: string;
  dependencies?: { specifier: string }[];
}
