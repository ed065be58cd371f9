/** The npm packages that the program imports, and what those depend on: by the compiler's reading, and the lock's. */
import { ROOT, runDeno } from "../run_deno.ts";
import { ShipError } from "./ship_error.ts";

export interface ShippedPackage {
  /** As in the lock: name, version, and the peers that it was resolved with. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** `sha512-…` */
  readonly integrity: string;
  readonly license: string | undefined;
  /** Whether the program itself imports it. */
  readonly imported: boolean;
  /** Ids. */
  readonly dependencies: readonly string[];
}

/** As much of `deno info --json` as is read. */
interface Graph {
  readonly modules: readonly { readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, ResolvedPackage>>;
}

interface ResolvedPackage {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
  readonly localPath: string;
}

interface Lock {
  readonly npm: Readonly<Record<string, { readonly integrity?: string }>>;
}

/** Sorted by id. Throws ShipError where the lock does not have all of them. */
export async function productPackages(entry = "main.ts"): Promise<ShippedPackage[]> {
  const graph = await graphOf(entry);
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.lock`));
  const imported = new Set(graph.modules.flatMap(({ npmPackage }) => npmPackage ?? []));
  const ids = [...reachable(graph, imported)].sort();
  return await Promise.all(ids.map((id) => shippedPackage(id, { graph, lock, imported })));
}

async function graphOf(entry: string): Promise<Graph> {
  const { code, stdout, stderr } = await runDeno(["info", "--json", entry]);
  if (code !== 0) throw new ShipError(`Cannot read the imports of ${entry}:\n${stderr.trim()}`);
  return JSON.parse(stdout);
}

/** A set takes in what is added to it while it is walked. */
function reachable({ npmPackages }: Graph, imported: Iterable<string>): Set<string> {
  const found = new Set(imported);
  for (const id of found) for (const dependency of npmPackages[id]?.dependencies ?? []) found.add(dependency);
  return found;
}

interface Facts {
  readonly graph: Graph;
  readonly lock: Lock;
  readonly imported: ReadonlySet<string>;
}

async function shippedPackage(id: string, { graph, lock, imported }: Facts): Promise<ShippedPackage> {
  const resolved = graph.npmPackages[id];
  const integrity = lock.npm[id]?.integrity;
  if (!resolved || !integrity?.startsWith("sha512-")) {
    throw new ShipError(`deno.lock does not pin ${id} by SHA-512: run deno install, and commit the lock`);
  }
  const { name, version, dependencies, localPath } = resolved;
  const license = await licenseOf(localPath);
  return { id, name, version, integrity, license, imported: imported.has(id), dependencies };
}

async function licenseOf(folder: string): Promise<string | undefined> {
  const { license }: { license?: unknown } = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
  return typeof license === "string" ? license : undefined;
}
