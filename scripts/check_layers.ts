// deno-lint-ignore-file no-console -- a script's findings go to the terminal
/**
 * Fails on an import that breaks the order of the layers: a file imports only from groups above its own,
 * never from a sibling folder of its own group. Type-only imports count, and so do cycles between files.
 */
import { posix } from "node:path";
import { ROOT } from "./run_deno.ts";
import { scanSource, type SourceScan } from "./scan_source.ts";
import { sourceFiles } from "./source_files.ts";

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** The groups, top first. Folders of one group are siblings; src/config collects the siblings' options, so it stands below them. */
const GROUPS: readonly (readonly string[])[] = [
  ["src/base"],
  ["src/options"],
  ["src/core"],
  ["src/wire"],
  ["src/files"],
  [
    "src/backends",
    "src/frontends",
    "src/listener",
    "src/adapters",
    "src/auth",
    "src/policies",
    "src/observe",
    "src/state",
    "src/tls",
    "src/stores",
  ],
  ["src/overrides"],
  ["src/admin", "src/prompt"],
  ["src/gateway_options.ts"],
  ["src/gateway.ts"],
  ["src/config"],
  ["src/http_service.ts", "src/server.ts", "src/public_urls.ts"],
  [
    "src/upstream.ts",
    "src/health_report.ts",
    "src/http_policies.ts",
    "src/authenticators.ts",
    "src/tls_source.ts",
  ],
  ["src/placement"],
  ["src/served_server.ts"],
  [
    "src/mounts.ts",
    "src/protected_resources.ts",
    "src/server_index.ts",
    "src/server_set.ts",
    "src/served_tls.ts",
    "src/http_redirect.ts",
    "src/identity_routes.ts",
  ],
  ["src/served_routes.ts"],
  ["src/network.ts"],
  ["src/app.ts"],
  ["src/cli"],
  ["main.ts"],
];

const FOLDERS = ["main.ts", "src", "tests", "scripts"];

/** Finds what breaks the rule in a map of paths to sources; paths are relative to the checkout, with slashes. */
export function layerViolations(sources: ReadonlyMap<string, string>): Violation[] {
  const scans = new Map([...sources].map(([path, source]) => [path, scanSource(source)]));
  const graph = new Map([...scans].map(([path, scan]) => [path, localImports(path, scan)]));
  return [
    ...[...sources.keys()].flatMap(unlisted),
    ...[...graph].flatMap(([from, imports]) => imports.flatMap((to) => forbiddenImport(from, to))),
    ...[...scans].flatMap(([path, scan]) => inputOutputInCore(path, scan)),
    ...importCycles(graph),
  ];
}

/** Returns the exit code. */
export async function main([root = ROOT]: readonly string[]): Promise<number> {
  const sources = new Map<string, string>();
  for await (const path of sourceFiles(root, FOLDERS)) {
    sources.set(path, await Deno.readTextFile(`${root}/${path}`));
  }
  const violations = layerViolations(sources);
  for (const { from, to, why } of violations) console.error(`${from} → ${to}: ${why}`);
  if (violations.length > 0) return 1;
  console.log(`Layers: no import of ${sources.size} files breaks them`);
  return 0;
}

function localImports(from: string, { imports }: SourceScan): string[] {
  const relative = imports.filter((specifier) => /^\.{1,2}\//.test(specifier));
  return [...new Set(relative.map((specifier) => posix.join(posix.dirname(from), specifier)))];
}

function unlisted(path: string): Violation[] {
  if (!isUnder(path, "src") || placeOf(path)) return [];
  return [{ from: path, to: "no layer", why: "list it in GROUPS of scripts/check_layers.ts" }];
}

function forbiddenImport(from: string, to: string): Violation[] {
  const why = whyForbidden(from, to);
  return why ? [{ from, to, why }] : [];
}

function whyForbidden(from: string, to: string): string | undefined {
  const importer = placeOf(from);
  if (!importer) return undefined;
  if (isUnder(to, "tests")) return isTest(from) ? undefined : "only tests import from tests";
  if (isUnder(to, "scripts")) return "nothing that ships imports from scripts";
  const imported = placeOf(to);
  if (!imported || imported.name === importer.name) return undefined;
  if (imported.rank > importer.rank) return `${importer.name} stands above ${imported.name}`;
  return imported.rank < importer.rank ? undefined : `${importer.name} and ${imported.name} are siblings`;
}

function placeOf(path: string): { name: string; rank: number } | undefined {
  for (const [rank, names] of GROUPS.entries()) {
    const name = names.find((name) => isUnder(path, name) || isTestOf(path, name));
    if (name) return { name, rank };
  }
  return undefined;
}

/** A test stands in the layer of what it tests: `src/app_test.ts`, `src/app_stop_test.ts` in that of `src/app.ts`. */
function isTestOf(path: string, name: string): boolean {
  return isTest(path) && name.endsWith(".ts") && path.startsWith(`${name.slice(0, -".ts".length)}_`);
}

function isUnder(path: string, name: string): boolean {
  return path === name || path.startsWith(`${name}/`);
}

function isTest(path: string): boolean {
  return path.endsWith("_test.ts");
}

function inputOutputInCore(path: string, { imports, names }: SourceScan): Violation[] {
  const layer = ["src/base", "src/core"].find((name) => isUnder(path, name));
  if (!layer) return [];
  const why = `${layer} does no I/O`;
  const allowed = isTest(path) ? /^node:assert(?:\/strict)?$/ : /^$/;
  const modules = imports.filter((specifier) => specifier.startsWith("node:") && !allowed.test(specifier));
  const globals = names.has("Deno") && !isTest(path) ? ["Deno"] : [];
  return [...modules, ...globals].map((to) => ({ from: path, to, why }));
}

/** Walks depth first; an import that leads back into the path being walked closes a cycle. */
function importCycles(graph: ReadonlyMap<string, readonly string[]>): Violation[] {
  const found: Violation[] = [];
  const done = new Set<string>();
  const walked: string[] = [];
  function walk(from: string) {
    walked.push(from);
    for (const to of graph.get(from) ?? []) {
      const start = walked.indexOf(to);
      if (start >= 0) {
        found.push({ from, to, why: `import cycle: ${[...walked.slice(start), to].join(" → ")}` });
      } else if (!done.has(to)) walk(to);
    }
    walked.pop();
    done.add(from);
  }
  for (const path of graph.keys()) if (!done.has(path)) walk(path);
  return found;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
