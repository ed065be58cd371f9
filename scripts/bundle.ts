// deno-lint-ignore-file no-console -- a script reports to the terminal
/** Writes dist/keystone.js: the whole program as one ES module that needs nothing but Deno. */
import { isBuiltin } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { stop, transform } from "esbuild";
import { ROOT, runDeno } from "./run_deno.ts";

export const BUNDLE = "dist/keystone.js";

interface BundleOptions {
  /** The folder that `entry` and `output` are relative to. */
  root?: string;
  entry?: string;
  output?: string;
}

/** The program could not be put into one file; the message says why. */
export class BundleError extends Error {
  override name = "BundleError";
}

/** Resolves to the size in bytes. Whoever runs the old file meanwhile never sees a half-written one. */
export async function bundle(options: BundleOptions = {}): Promise<number> {
  const { root = ROOT, entry = "main.ts", output = BUNDLE } = options;
  const path = resolve(root, output);
  const [whole, unfinished] = [unusedBeside(path), unusedBeside(path)];
  await Deno.mkdir(dirname(path), { recursive: true });
  try {
    await runBundler(root, ["-o", whole, entry]);
    await Deno.writeTextFile(whole, await portable(root, await Deno.readTextFile(whole)));
    await refuseExternals(whole);
    // Only now: what is looked for above is found in text as the bundler writes it.
    await Deno.writeTextFile(unfinished, await compact(await Deno.readTextFile(whole)));
    await Deno.rename(unfinished, path);
  } finally {
    await removeIfPresent(whole);
    await removeIfPresent(unfinished);
  }
  return (await Deno.stat(path)).size;
}

/**
 * Two thirds of the text, to be read at each start. Names stay, so that stacks can be read: shorter ones beside
 * `--keep-names` would define the name of each closure anew whenever it is made, a tenth of the time of a call.
 */
async function compact(code: string): Promise<string> {
  try {
    return (await transform(code, { minifyWhitespace: true })).code;
  } finally {
    await stop();
  }
}

function unusedBeside(path: string): string {
  return `${path.replace(/\.js$/, "")}.${crypto.randomUUID()}.js`;
}

async function runBundler(root: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await runDeno(["bundle", "--platform", "deno", ...args], { cwd: root });
  if (code !== 0) throw new BundleError(`Cannot bundle ${args.at(-1)}:\n${stderr.trim()}`);
}

/** Takes out of the bundle what ties it to this machine and to being a local file. */
async function portable(root: string, code: string): Promise<string> {
  const npmCache = await npmCacheFolder(root);
  return requireBuiltins(namePackages(code, [npmCache, relative(root, npmCache)]));
}

/** The bundler names npm files by their place in the cache: one machine's folders, different on the next. */
export function namePackages(code: string, npmCaches: readonly string[]): string {
  return npmCaches.reduce((text, cache) => {
    const folder = RegExp.escape(cache.replaceAll("\\", "/"));
    return text.replace(new RegExp(`(?<![\\w./-])${folder}/[^/\\s"]+/`, "g"), "npm:");
  }, code);
}

/**
 * CommonJS packages get their `require` from `createRequire(import.meta.url)`, which throws when the bundle is run
 * from a URL. Only built-in modules are left to require, and those need no place to start from.
 */
export function requireBuiltins(code: string): string {
  return code.replace(
    /^import \{ createRequire as __deno_internal_createRequire \} from "node:module";\s*var (\w+) = __deno_internal_createRequire\(import\.meta\.url\);$/m,
    "var $1 = process.getBuiltinModule;",
  );
}

async function npmCacheFolder(root: string): Promise<string> {
  const { stdout } = await runDeno(["info", "--json"], { cwd: root });
  const info: { npmCache: string } = JSON.parse(stdout);
  return info.npmCache;
}

async function refuseExternals(path: string): Promise<void> {
  const found = [...await externalImports(path), ...externalRequires(await Deno.readTextFile(path))];
  if (found.length > 0) throw new BundleError(`The bundle still imports ${[...new Set(found)].join(", ")}`);
}

/** What a module file imports besides built-in modules, by the compiler's own reading. */
export async function externalImports(path: string): Promise<string[]> {
  const { code, stdout, stderr } = await runDeno(["info", "--json", "--no-config", "--no-lock", path]);
  if (code !== 0) throw new BundleError(`Cannot read ${path}:\n${stderr.trim()}`);
  const graph: { roots: string[]; modules: GraphModule[] } = JSON.parse(stdout);
  const own = graph.modules.find(({ specifier }) => specifier === graph.roots[0]);
  if (!own || own.error) throw new BundleError(`Cannot read ${path}: ${own?.error ?? "it is no module"}`);
  return (own.dependencies ?? []).map(({ specifier }) => specifier).filter((name) =>
    !name.startsWith("node:")
  );
}

/** What bundled CommonJS code requires besides built-in modules. */
export function externalRequires(code: string): string[] {
  const required = code.matchAll(/\b__require\d*\("([^"]+)"\)/g);
  return [...required].flatMap(([_, name]) => name !== undefined && !isBuiltin(name) ? [name] : []);
}

interface GraphModule {
  specifier: string;
  error?: string;
  dependencies?: { specifier: string }[];
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Returns the exit code. */
export async function main(): Promise<number> {
  try {
    const bytes = await bundle();
    console.log(`${BUNDLE} ${Math.ceil(bytes / 1024)} KiB`);
    return 0;
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    console.error(error.message);
    return 1;
  }
}

if (import.meta.main) Deno.exitCode = await main();
