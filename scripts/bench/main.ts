// deno-lint-ignore-file no-console -- a script reports to the terminal
/** What `deno task bench` runs: Keystone beside other gateways and the least that is possible. */
import { ROOT } from "../run_deno.ts";
import { Bench } from "./bench.ts";
import { runCrowds } from "./crowd_cases.ts";
import { NODE_CHILD, STAGES } from "./load_cases.ts";
import { pinThisProcess } from "./machine.ts";
import { runMemory } from "./memory_cases.ts";
import { type BenchOptions, parseOptions, USAGE, UsageError } from "./options.ts";
import { addedLatency, runPipe } from "./pipe_cases.ts";
import { formatReport, makeReport, readReport, type Report } from "./report.ts";
import { Results } from "./results.ts";
import { runSessions } from "./session_cases.ts";
import { buildChild } from "./setup.ts";
import { runSlowClients } from "./slow_cases.ts";
import { runStage } from "./stage.ts";
import { runStart } from "./start_cases.ts";
import { writeDocs } from "./docs.ts";

/** Returns the exit code: 1 when an answer was wrong, 2 when the arguments are. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  try {
    return await run(parseOptions(args));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    return 2;
  }
}

async function run(options: BenchOptions): Promise<number> {
  const report = options.from === undefined ? await measure(options) : await readReport(options.from);
  console.log(formatReport(report));
  if (options.docs) await writeDocs(report, `${ROOT}/docs`);
  const { wrong } = new Results(report.rows);
  for (const { name, contestant, wrong: answer } of wrong) {
    console.error(`Wrong answer in ${name} by ${contestant}: ${answer}`);
  }
  return wrong.length === 0 ? 0 : 1;
}

async function measure(options: BenchOptions): Promise<Report> {
  await using bench = await Bench.prepare(options);
  using _ = endOnSignal(bench);
  if (typeof bench.pinning !== "string") await pinThisProcess(bench.pinning.load);
  await measureAll(bench);
  addedLatency(bench);
  const report = await makeReport(bench);
  await Deno.writeTextFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  bench.checkRows();
  return report;
}

/** A terminal's Ctrl-C, or a CI that gives up, must not leave gateways behind. */
function endOnSignal(bench: Bench): Disposable {
  const end = async () => {
    await bench[Symbol.asyncDispose]();
    Deno.exit(130);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, end);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, end);
    },
  };
}

/** One after the other: nothing else may run while something is measured. */
async function measureAll(bench: Bench): Promise<void> {
  await runPipe(bench);
  for (const stage of STAGES) await runStage(bench, stage);
  await runNodeChild(bench);
  await runStart(bench);
  await runSessions(bench);
  await runCrowds(bench);
  await runSlowClients(bench);
  await runMemory(bench);
}

async function runNodeChild(bench: Bench): Promise<void> {
  const { pinning } = bench;
  const child = await buildChild("node", typeof pinning === "string" ? undefined : pinning);
  await runStage(bench, NODE_CHILD, child);
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
