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
}

/** Runs the official conformance tool against a server; throws unless the tool ran to its end. */
export async function runConformance(
  url: string,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const { requirements = "2025-11-25" } = options;
  return await withFolder(async (directory) => {
    const run = await runTool("server", ["--url", url, "--requirements", requirements], directory);
    const report = { ...await countChecks(directory), output: run.output };
    assertComplete(run, report);
    return report;
  });
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
    const report = { ...await countChecks(directory), output: run.output };
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

interface Check {
  id: string;
  status: string;
  errorMessage?: string;
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
