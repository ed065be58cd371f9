// deno-lint-ignore-file no-console -- a script reports to the terminal
/** What `deno task test` runs: fetches what the tests start, bundles, tests, and ends with `N passed, N failed`. */
import { stripVTControlCharacters } from "node:util";
import { bundle, BundleError } from "./bundle.ts";
import { DEV_CONFIG, ROOT, runDeno } from "./run_deno.ts";
import { type Toolchain, TOOLCHAINS } from "../tests/support/sdks.ts";
import { statIfPresent } from "./source_files.ts";

/** Programs that tests start by `deno run npm:…`: fetched once up front, so that no test's deadline pays for a download. */
const PROGRAMS = [
  "npm:@modelcontextprotocol/server-everything@2026.8.31",
  "npm:@modelcontextprotocol/server-filesystem@2026.8.31",
  "npm:@modelcontextprotocol/server-memory@2026.8.31",
  "npm:@modelcontextprotocol/conformance@0.2.0-alpha.12",
];

const FOLDERS = ["src", "scripts", "tests"];

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface RunTestsOptions {
  root?: string;
  /** Takes what `deno test` prints on stdout. */
  write?: Write;
  stderr?: "inherit" | "null";
}

type Write = (chunk: Uint8Array<ArrayBuffer>) => Promise<void>;

/** The tests could not be started, or their result is not to be trusted. */
export class TestRunError extends Error {
  override name = "TestRunError";
}

/** Returns the exit code. Arguments go to `deno test`; a path among them replaces the project's folders. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    await Promise.all([...PROGRAMS.map(fetchProgram), ...TOOLCHAINS.map(fetchSdk), bundleIfPossible()]);
    const counts = await runTests(args);
    console.log(formatCounts(counts));
    return counts.failed === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TestRunError || error instanceof BundleError)) throw error;
    console.error(error.message);
    return 1;
  }
}

async function fetchProgram(specifier: string): Promise<void> {
  const { code, stderr } = await runDeno(["cache", "--no-config", "--no-lock", specifier]);
  if (code !== 0) throw new TestRunError(`Cannot fetch ${specifier}:\n${stderr.trim()}`);
}

async function fetchSdk({ language, missing, prepare }: Toolchain): Promise<void> {
  if (missing !== undefined) return;
  await prepare().catch((cause) => {
    throw new TestRunError(`Cannot fetch ${language}'s SDK: ${cause.message}`, { cause });
  });
}

async function bundleIfPossible(): Promise<void> {
  if (await statIfPresent(`${ROOT}/main.ts`)) await bundle();
}

/** Runs `deno test`, passes its output on as it comes, and counts from its own summary. */
export async function runTests(args: readonly string[], options: RunTestsOptions = {}): Promise<Counts> {
  const { root = ROOT, write = writeStdout, stderr = "inherit" } = options;
  await using child = new Deno.Command(Deno.execPath(), {
    args: await testArgs(root, args),
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr,
  }).spawn();
  const counts = parseSummary(await passOn(child.stdout, write));
  const { code } = await child.status;
  return trusted(counts, code);
}

async function testArgs(root: string, args: readonly string[]): Promise<string[]> {
  const paths = await Promise.all(args.map((arg, index) => isPath(root, arg, args[index - 1])));
  // A frozen lock keeps a test run from rewriting it, also when two run at once.
  const config = await statIfPresent(`${root}/${DEV_CONFIG}`) ? ["--config", DEV_CONFIG, "--frozen"] : [];
  // This file has a test file's name and is none.
  const fixed = ["test", "-A", "--parallel", ...config, "--ignore=scripts/test.ts"];
  return [...fixed, ...args, ...(paths.includes(true) ? [] : FOLDERS)];
}

async function isPath(root: string, arg: string, previous: string | undefined): Promise<boolean> {
  if (arg.startsWith("-") || previous === "--filter") return false;
  return await statIfPresent(`${root}/${arg}`) !== undefined;
}

/** Resolves to the text that passed. */
async function passOn(output: AsyncIterable<Uint8Array<ArrayBuffer>>, write: Write): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of output) {
    await write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Reads the last summary line: tests may print such lines too, but the runner has the last word. */
export function parseSummary(output: string): Counts | undefined {
  const lines = stripVTControlCharacters(output).matchAll(/^(?:ok|FAILED) \| (\d+) passed\b.*$/gm);
  const [line, passed] = [...lines].at(-1) ?? [];
  if (line === undefined) return undefined;
  return { passed: Number(passed), failed: countOf(line, "failed"), skipped: countOf(line, "ignored") };
}

function countOf(line: string, word: string): number {
  return Number(line.match(new RegExp(`\\| (\\d+) ${word}\\b`))?.[1] ?? 0);
}

function trusted(counts: Counts | undefined, code: number): Counts {
  if (!counts) throw new TestRunError(`deno test printed no summary and exited with code ${code}`);
  if (counts.passed + counts.failed === 0) throw new TestRunError("No test ran");
  if (code !== 0 && counts.failed === 0) {
    throw new TestRunError(`deno test exited with code ${code} although its ${counts.passed} tests passed`);
  }
  return counts;
}

export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

async function writeStdout(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let rest = chunk; rest.length > 0;) rest = rest.subarray(await Deno.stdout.write(rest));
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
