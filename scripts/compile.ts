// deno-lint-ignore-file no-console -- a script reports to the terminal
/** Builds one executable per operating system from the bundle: by `deno compile`, or packed with Deno itself where that cannot be. */
import { parseArgs } from "node:util";
import project from "../deno.json" with { type: "json" };
import { BUNDLE, bundle, BundleError } from "./bundle.ts";
import { ROOT, runDeno } from "./run_deno.ts";
import { denoRuntime, RuntimeError, type Target } from "./ship/deno_runtime.ts";
import { pack } from "./ship/pack.ts";
import { newestChange, sourceFiles } from "./source_files.ts";

/** Where each of Deno's targets goes. */
export const TARGETS = {
  "x86_64-unknown-linux-gnu": "dist/keystone-linux-x64",
  "aarch64-unknown-linux-gnu": "dist/keystone-linux-arm64",
  "x86_64-apple-darwin": "dist/keystone-macos-x64",
  "aarch64-apple-darwin": "dist/keystone-macos-arm64",
  "x86_64-pc-windows-msvc": "dist/keystone-windows-x64.exe",
} as const satisfies Record<Target, string>;

/** Windows has no shell to unpack with: there it is a folder to unzip. */
const PACKED = { ...TARGETS, "x86_64-pc-windows-msvc": "dist/keystone-windows-x64.zip" } as const;

/** Where Deno's executables for other systems are kept. */
export const RUNTIMES = `${ROOT}/dist/runtimes`;

/** What the gateway does, and no more: it loads no library and asks nobody for a permission. */
export const PERMISSIONS = [
  "--allow-net", // serves clients and calls remote servers
  "--allow-run", // starts servers, and stops their process groups
  "--allow-read", // finds commands on the PATH, reads certificates
  "--allow-write", // log files, and the records of gateways in the background
  "--allow-env", // hands the environment on to servers
  "--allow-sys", // knows whose a file of secrets is, and what others call this machine
  "--no-prompt",
];

/** The user's project is not the program's: its config and lock stay out. */
const ISOLATED = ["--no-config", "--no-lock"];

/** What stands between `deno run` and the bundle wherever both are shipped side by side. */
export const RUN_FLAGS = [...ISOLATED, ...PERMISSIONS];

interface CompileArgs extends BuildOptions {
  targets: readonly Target[];
  dryRun: boolean;
}

interface BuildOptions {
  /** Not even tries `deno compile`. */
  selfExtract: boolean;
  /** The folder that has the bundle, and gets what is built. */
  root?: string;
  /** For `deno compile`. */
  env?: Record<string, string>;
  /** Of the compression; gzip's own by default. */
  level?: number;
}

class UsageError extends Error {
  override name = "UsageError";
}

class CompileError extends Error {
  override name = "CompileError";
}

/** The command line that builds one target. The project's config and lock would embed its packages a second time. */
export function compileCommand(target: Target): string[] {
  return [
    "deno",
    "compile",
    ...ISOLATED,
    "--no-check",
    ...PERMISSIONS,
    "--target",
    target,
    "--output",
    TARGETS[target],
    BUNDLE,
  ];
}

/** True when `deno compile` failed because it could not get the runtime that it puts into the binary. */
export function isDownloadFailure(stderr: string): boolean {
  return /^error: /m.test(stderr) && /Setting up base binary/.test(stderr) &&
    /https?:\/\/\S*denort-/.test(stderr);
}

/** Returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { targets, dryRun, ...options } = parseCompileArgs(args);
    if (dryRun) { for (const target of targets) console.log(plan(target, options)); }
    else await buildAll(targets, options);
    return 0;
  } catch (error) {
    if (!ERRORS.some((type) => error instanceof type)) throw error;
    console.error(error instanceof Error ? error.message : error);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Those that say all there is to say. */
const ERRORS = [UsageError, CompileError, BundleError, RuntimeError];

function parseCompileArgs(args: readonly string[]): CompileArgs {
  const { target = [], "dry-run": dryRun, selfExtract } = parseFlags(args);
  const targets = target.length > 0 ? target.map(parseTarget) : allTargets();
  return { targets, dryRun, selfExtract };
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        target: { type: "string", multiple: true },
        "dry-run": { type: "boolean", default: false },
        selfExtract: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // how parseArgs refuses an argument
    throw new UsageError(`${error.message}. Allowed: --target <target>, --selfExtract, --dry-run`, {
      cause: error,
    });
  }
}

function parseTarget(name: string): Target {
  const target = allTargets().find((target) => target === name);
  if (target) return target;
  throw new UsageError(`Unknown --target "${name}". Allowed: ${allTargets().join(", ")}`);
}

function allTargets(): Target[] {
  return Object.keys(TARGETS).filter((name): name is Target => name in TARGETS);
}

function plan(target: Target, { selfExtract }: BuildOptions): string {
  if (!selfExtract) return compileCommand(target).join(" ");
  return `pack Deno and ${BUNDLE} for ${target} into ${PACKED[target]}`;
}

async function buildAll(targets: readonly Target[], options: BuildOptions): Promise<void> {
  if (await isBundleStale()) await bundle();
  for (const target of targets) {
    const output = await build(target, options);
    const { size } = await Deno.stat(`${ROOT}/${output}`);
    console.log(`${output} ${(size / 1024 ** 2).toFixed(1)} MiB`);
  }
}

/** Resolves to where the executable is. */
export async function build(target: Target, options: BuildOptions): Promise<string> {
  const { selfExtract, root = ROOT, level } = options;
  if (!selfExtract) {
    if (await compile(target, options)) return TARGETS[target];
    console.error(`Cannot download Deno's runtime for ${target}: packs Deno itself instead`);
  }
  await pack({
    ...{ target, version: project.version, runFlags: RUN_FLAGS },
    deno: await denoRuntime(target, RUNTIMES),
    ...{ bundle: `${root}/${BUNDLE}`, output: `${root}/${PACKED[target]}` },
    ...level !== undefined && { level },
  });
  return PACKED[target];
}

async function isBundleStale(): Promise<boolean> {
  const newestSource = await newestChange(
    ROOT,
    sourceFiles(ROOT, ["main.ts", "src", "deno.json", "deno.lock"]),
  );
  return await newestChange(ROOT, [BUNDLE]) < newestSource;
}

/** Settles with false when the runtime that goes into the binary cannot be downloaded. */
async function compile(target: Target, { root = ROOT, env = {} }: BuildOptions): Promise<boolean> {
  const [_, ...args] = compileCommand(target);
  const { code, stdout, stderr } = await runDeno(args, { cwd: root, env });
  if (code === 0) return true;
  if (isDownloadFailure(stderr)) return false;
  throw new CompileError(`Cannot compile for ${target}:\n${stdout}${stderr}`.trimEnd());
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
