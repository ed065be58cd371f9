import { stripVTControlCharacters } from "node:util";

const TOOL = "npm:@modelcontextprotocol/conformance@0.2.0-alpha.12";
const TIME_LIMIT_MS = 300_000; // a good run takes seconds, but each call the server leaves open costs it 60 s

/** What the conformance tool found; the unscored scenarios of the requirement set count too. */
export interface ConformanceReport {
  passed: number;
  failed: number;
  /** Everything the tool printed, without colours. */
  output: string;
  /** One line for each failed check: scenario, check and the tool's reason. */
  failures: string[];
  /** The same for what the spec only recommends. */
  warnings: string[];
}

/** Which set of requirements the server has to meet. */
export interface ConformanceOptions {
  /** The spec revision whose required scenarios run; 2025-11-25 unless told. */
  requirements?: string;
}

/** Runs the official conformance tool against a server; throws unless the tool ran to its end. */
export async function runConformance(
  url: string,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const { requirements = "2025-11-25" } = options;
  const directory = await Deno.makeTempDir({ prefix: "conformance-" });
  try {
    const run = await runTool(["--url", url, "--requirements", requirements], directory);
    const report = { ...await countChecks(directory), output: run.output };
    assertComplete(run, report);
    return report;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

interface ToolRun {
  code: number;
  output: string;
}

type Counts = Omit<ConformanceReport, "output">;

interface Check {
  id: string;
  status: string;
  errorMessage?: string;
}

async function runTool(args: string[], directory: string): Promise<ToolRun> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), TIME_LIMIT_MS);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "--no-lock", TOOL, "server", ...args, "--output-dir", directory],
    // Somewhere without a package.json, which Deno would read in spite of --no-config.
    cwd: directory,
    stdin: "null",
    signal: limit.signal,
  });
  try {
    const { code, stdout, stderr } = await command.output();
    const output = stripVTControlCharacters(decode(stdout) + decode(stderr));
    if (limit.signal.aborted) {
      throw new Error(`Conformance tool did not end within ${TIME_LIMIT_MS} ms:\n${output}`);
    }
    return { code, output };
  } finally {
    clearTimeout(timer);
  }
}

async function countChecks(directory: string): Promise<Counts> {
  let passed = 0;
  const failures: string[] = [];
  const warnings: string[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    for (const { id, status, errorMessage } of await readChecks(`${directory}/${name}/checks.json`)) {
      const line = `${scenarioOf(name)}: ${id}: ${errorMessage ?? "no reason given"}`;
      if (status === "SUCCESS") passed += 1;
      if (status === "FAILURE") failures.push(line);
      if (status === "WARNING") warnings.push(line);
    }
  }
  return { passed, failed: failures.length, failures: failures.sort(), warnings: warnings.sort() };
}

/** The scenario's name in `server-<scenario>-<timestamp>`. */
function scenarioOf(name: string): string {
  return name.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, "");
}

async function readChecks(path: string): Promise<Check[]> {
  try {
    return parseChecks(JSON.parse(await Deno.readTextFile(path)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // The tool makes the folder first, then leaves it empty when the scenario itself breaks.
    return [{ id: "scenario", status: "FAILURE", errorMessage: "the scenario could not run" }];
  }
}

function parseChecks(value: unknown): Check[] {
  if (!Array.isArray(value) || !value.every(isCheck)) {
    throw new TypeError("Conformance tool wrote a checks.json that is not a list of checks");
  }
  return value;
}

function isCheck(value: unknown): value is Check {
  return typeof value === "object" && value !== null &&
    "id" in value && typeof value.id === "string" &&
    "status" in value && typeof value.status === "string";
}

/** Throws when the files, the summary and the exit code do not tell the same story. */
function assertComplete({ code, output }: ToolRun, { passed, failed }: Counts): void {
  const total = /^Total: (\d+) passed, (\d+) failed$/m.exec(output);
  if (!total) {
    throw new Error(`Conformance tool ended with code ${code} before its summary:\n${output}`);
  }
  if (passed + failed === 0) {
    throw new Error(`Conformance tool ran no checks:\n${output}`);
  }
  if (Number(total[1]) !== passed || Number(total[2]) !== failed) {
    throw new Error(`Conformance tool printed "${total[0]}" but wrote ${passed} and ${failed}:\n${output}`);
  }
  // Failures of unscored scenarios leave the code at zero, so only this direction is telling.
  if (code !== 0 && failed === 0) {
    throw new Error(`Conformance tool ended with code ${code} though nothing failed:\n${output}`);
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
