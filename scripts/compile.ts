// deno-lint-ignore-file no-console -- a script reports to the terminal
/** Builds one binary per operating system from the bundle. */
import { parseArgs } from "node:util";
import { BUNDLE, bundle, BundleError } from "./bundle.ts";
import { ROOT, runDeno } from "./run_deno.ts";
import { newestChange, sourceFiles } from "./source_files.ts";

/** Where each of Deno's targets goes. */
export const TARGETS = {
  "x86_64-unknown-linux-gnu": "dist/keystone-linux-x64",
  "aarch64-unknown-linux-gnu": "dist/keystone-linux-arm64",
  "x86_64-apple-darwin": "dist/keystone-macos-x64",
  "aarch64-apple-darwin": "dist/keystone-macos-arm64",
  "x86_64-pc-windows-msvc": "dist/keystone-windows-x64.exe",
} as const;

export type Target = keyof typeof TARGETS;

/** What the gateway does, and no more: it loads no library and asks nobody for a permission. */
export const PERMISSIONS = [
  "--allow-net", // serves clients and calls remote servers
  "--allow-run", // starts servers, and stops their process groups
  "--allow-read", // finds commands on the PATH, reads certificates
  "--allow-write", // log files, and the records of gateways in the background
  "--allow-env", // hands the environment on to servers
  "--no-prompt",
];

/** The user's project is not the program's: its config and lock stay out. */
const ISOLATED = ["--no-config", "--no-lock"];

/** What stands between `deno run` and the bundle wherever both are shipped side by side. */
export const RUN_FLAGS = [...ISOLATED, ...PERMISSIONS];

interface CompileArgs {
  targets: readonly Target[];
  dryRun: boolean;
}

class UsageError extends Error {
  override name = "UsageError";
}

class CompileError extends Error {
  override name = "CompileError";
}

/** The command line that builds one target. The project's config and lock stay out: they would embed its packages a second time. */
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
    const { targets, dryRun } = parseCompileArgs(args);
    if (dryRun) { for (const target of targets) console.log(compileCommand(target).join(" ")); }
    else await compileAll(targets);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof CompileError || error instanceof BundleError)) {
      throw error;
    }
    console.error(error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}

function parseCompileArgs(args: readonly string[]): CompileArgs {
  const { target = [], "dry-run": dryRun } = parseFlags(args);
  return { targets: target.length > 0 ? target.map(parseTarget) : allTargets(), dryRun };
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { target: { type: "string", multiple: true }, "dry-run": { type: "boolean", default: false } },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // how parseArgs refuses an argument
    throw new UsageError(`${error.message}. Allowed: --target <target>, --dry-run`, { cause: error });
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

async function compileAll(targets: readonly Target[]): Promise<void> {
  if (await isBundleStale()) await bundle();
  for (const target of targets) {
    await compile(target);
    const { size } = await Deno.stat(`${ROOT}/${TARGETS[target]}`);
    console.log(`${TARGETS[target]} ${(size / 1024 ** 2).toFixed(1)} MiB`);
  }
}

async function isBundleStale(): Promise<boolean> {
  const newestSource = await newestChange(
    ROOT,
    sourceFiles(ROOT, ["main.ts", "src", "deno.json", "deno.lock"]),
  );
  return await newestChange(ROOT, [BUNDLE]) < newestSource;
}

async function compile(target: Target): Promise<void> {
  const [_, ...args] = compileCommand(target);
  const { code, stdout, stderr } = await runDeno(args);
  if (code === 0) return;
  if (isDownloadFailure(stderr)) {
    throw new CompileError(
      `Cannot compile for ${target}: the download of Deno's runtime for it is out of reach`,
    );
  }
  throw new CompileError(`Cannot compile for ${target}:\n${stdout}${stderr}`.trimEnd());
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
