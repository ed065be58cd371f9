import { stripVTControlCharacters } from "node:util";

const TOOL = "npm:@modelcontextprotocol/conformance@0.2.0-alpha.12";
const TIME_LIMIT_MS = 300_000; // a good run takes seconds, but each call the server leaves open costs it 60 s

/** What the conformance tool found; the unscored scenarios of the requirement set count too. */
interface ConformanceReport {
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
interface ConformanceOptions {
  /** The spec revision whose required scenarios run; 2025-11-25 unless told. */
  requirements?: string;
  /** Scenarios that do not count. They run all the same: the tool has no way to leave one out of a set. */
  leftOut?: readonly string[];
}

interface ServerConformanceReport extends ConformanceReport {
  /** Of the scenarios that do not count, those in which something failed or was warned of. */
  missed: string[];
}

/** Runs the official conformance tool against a server; throws unless the tool ran to its end. */
export async function runConformance(
  url: string,
  options: ConformanceOptions = {},
): Promise<ServerConformanceReport> {
  const { requirements = "2025-11-25", leftOut = [] } = options;
  return await withFolder(async (directory) => {
    const run = await runTool("server", ["--url", url, "--requirements", requirements], directory);
    const checks = await allChecks(directory);
    assertComplete(run, count(checks));
    assertRan(leftOut, checks);
    const counted = checks.filter(({ scenario }) => !leftOut.includes(scenario));
    const missed = leftOut.filter((name) => hasMissed(checks.filter(({ scenario }) => scenario === name)));
    return { ...count(counted), missed, output: run.output };
  });
}

function hasMissed(checks: readonly Check[]): boolean {
  return checks.some(({ status }) => status === "FAILURE" || status === "WARNING");
}

/** A scenario that there is no more would be left out for ever. */
function assertRan(names: readonly string[], checks: readonly Check[]): void {
  const strangers = names.filter((name) => !checks.some(({ scenario }) => scenario === name));
  if (strangers.length > 0) throw new Error(`Conformance tool has no scenario ${strangers.join(", ")}`);
}

interface ClientConformanceReport extends ConformanceReport {
  /** What the client, and all that it started, wrote to stderr. */
  stderr: string;
}

/** One scenario for a client. */
interface ClientScenario {
  name: string;
  /** A line for the shell; the URL of the tool's server is appended. */
  command: string;
  /** The spec revision that is spoken; 2025-11-25 unless told. */
  version?: string;
}

/** Lets the tool play one scenario with a client; throws unless the client ran to its end and did what was asked. */
export async function runClientConformance(scenario: ClientScenario): Promise<ClientConformanceReport> {
  const { name, command, version = "2025-11-25" } = scenario;
  return await withFolder(async (directory) => {
    const args = ["--command", command, "--scenario", name, "--spec-version", version];
    const run = await runTool("client", args, directory);
    const report = { ...count(await allChecks(directory)), output: run.output };
    assertClientComplete(run, report);
    return { ...report, stderr: await stderrOf(directory) };
  });
}

/** The scenarios that a revision requires of clients, authorization included. */
export async function requiredOfClients(requirements = "2025-11-25"): Promise<string[]> {
  return await withFolder(async (directory) => {
    const { output } = await runTool("list", ["--requirements", requirements], directory);
    const [, list] = /^Client scenarios .*\n((?: +- .*\n)+)/m.exec(output) ?? [];
    if (!list) throw new Error(`Conformance tool printed no list:\n${output}`);
    return [...list.matchAll(/- (\S+)/g)].map(([, name = ""]) => name);
  });
}

async function withFolder<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await Deno.makeTempDir({ prefix: "conformance-" });
  try {
    return await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The one scenario's folder has it. */
async function stderrOf(directory: string): Promise<string> {
  const [folder] = await Array.fromAsync(Deno.readDir(directory));
  return await Deno.readTextFile(`${directory}/${folder?.name}/stderr.txt`);
}

interface ToolRun {
  code: number;
  output: string;
}

type Counts = Omit<ConformanceReport, "output">;

/** A check as the tool writes it. */
interface WrittenCheck {
  id: string;
  status: string;
  errorMessage?: string;
}

interface Check extends WrittenCheck {
  scenario: string;
}

/** Runs in the folder, and writes its results there. */
async function runTool(
  mode: "server" | "client" | "list",
  args: string[],
  directory: string,
): Promise<ToolRun> {
  const results = mode === "list" ? [] : ["--output-dir", directory];
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), TIME_LIMIT_MS);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "--no-lock", TOOL, mode, ...args, ...results],
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

async function allChecks(directory: string): Promise<Check[]> {
  const folders = await Array.fromAsync(Deno.readDir(directory));
  const checks = folders.map(async ({ name }) => {
    const found = await readChecks(`${directory}/${name}/checks.json`);
    return found.map((check) => ({ ...check, scenario: scenarioOf(name) }));
  });
  return (await Promise.all(checks)).flat();
}

function count(checks: readonly Check[]): Counts {
  const linesOf = (wanted: string) =>
    checks.filter(({ status }) => status === wanted)
      .map(({ scenario, id, errorMessage }) => `${scenario}: ${id}: ${errorMessage ?? "no reason given"}`)
      .sort();
  const failures = linesOf("FAILURE");
  const passed = checks.filter(({ status }) => status === "SUCCESS").length;
  return { passed, failed: failures.length, failures, warnings: linesOf("WARNING") };
}

/** The scenario's name in `server-<scenario>-<timestamp>`. */
function scenarioOf(name: string): string {
  return name.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, "");
}

async function readChecks(path: string): Promise<WrittenCheck[]> {
  try {
    return parseChecks(JSON.parse(await Deno.readTextFile(path)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // The tool makes the folder first, then leaves it empty when the scenario itself breaks.
    return [{ id: "scenario", status: "FAILURE", errorMessage: "the scenario could not run" }];
  }
}

function parseChecks(value: unknown): WrittenCheck[] {
  if (!Array.isArray(value) || !value.every(isCheck)) {
    throw new TypeError("Conformance tool wrote a checks.json that is not a list of checks");
  }
  return value;
}

function isCheck(value: unknown): value is WrittenCheck {
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

/** The same for one scenario of a client, where the tool also fails a client that ends with an error or too late. */
function assertClientComplete({ code, output }: ToolRun, { passed, failed, warnings }: Counts): void {
  const total = /^Passed: (\d+)\/\d+, (\d+) failed, (\d+) warnings$/m.exec(output);
  if (!total) {
    throw new Error(`Conformance tool ended with code ${code} before its summary:\n${output}`);
  }
  if (Number(total[1]) !== passed || Number(total[2]) !== failed || Number(total[3]) !== warnings.length) {
    throw new Error(`Conformance tool printed "${total[0]}" but wrote ${passed} and ${failed}:\n${output}`);
  }
  if (code !== 0 && failed + warnings.length === 0) {
    throw new Error(`Conformance tool ended with code ${code} though nothing failed:\n${output}`);
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
