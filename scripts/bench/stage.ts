/** Starts everyone who takes part, measures them in turns, and stops them. */
import type { Bench } from "./bench.ts";
import { type Shape, SMALL } from "./calls.ts";
import type { Gateway } from "./gateway.ts";
import { Lineup } from "./lineup.ts";
import { type LoadCase, OPEN_LOOP } from "./load_cases.ts";
import { load, openLoad, warmUp } from "./measure.ts";
import type { Contestant, Mode } from "./peers.ts";
import type { Cell, Figures } from "./results.ts";
import { type RoundsOptions, runRounds } from "./rounds.ts";
import { inSession } from "./session.ts";
import { spread } from "./stats.ts";

const SPARE_SECONDS = 20; // for what comes before and after the load: a slow gateway's last answers
const WARM_UP_CALLERS = 16;
const MEGABYTE = 1_000_000;

/** Measures cells in rounds. */
export async function measureCells(
  bench: Bench,
  cells: readonly Cell[],
  rounds = bench.options.rounds,
): Promise<void> {
  await runRounds(cells, bench.results, roundsOptions(bench, rounds));
  showProgress("");
}

function roundsOptions({ options }: Bench, rounds: number): RoundsOptions {
  const limitMs = (options.seconds * 2 + SPARE_SECONDS) * 1000;
  return { rounds, limitMs, progress: showProgress };
}

/** Overwrites one line of the terminal; says nothing into a file. */
function showProgress(line: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${line}`));
}

/** Runs load cases on gateways that live for all the rounds; `child` replaces the server behind them. */
export async function runStage(bench: Bench, cases: readonly LoadCase[], child = bench.child): Promise<void> {
  const wanted = cases.filter(({ name, matters }) => bench.includes(name, matters));
  const modes = new Set(wanted.map(({ mode }) => mode));
  const prepare = async (gateway: Gateway) => {
    await inSession(
      bench,
      gateway,
      (sessions) => warmUp(bench, gateway, { callers: WARM_UP_CALLERS, sessions }),
    );
    return gateway;
  };
  await using lineup = new Lineup<Gateway>(bench);
  for (const mode of modes) {
    for (const contestant of bench.contestants) {
      await lineup.add(keyOf(contestant, mode), { contestant, mode, child, prepare });
    }
  }
  const cells = wanted.flatMap((one) =>
    bench.contestants.map((contestant) => loadCell(bench, contestant, one, lineup))
  );
  await measureCells(bench, cells);
}

function keyOf({ name }: Contestant, mode: Mode): string {
  return `${name} ${mode}`;
}

function loadCell(bench: Bench, contestant: Contestant, one: LoadCase, lineup: Lineup<Gateway>): Cell {
  return {
    name: one.name,
    contestant: contestant.name,
    async measure(signal) {
      if (contestant.bare && one.shape.progress > 0) throw new Error("it passes no notifications on");
      const gateway = lineup.get(keyOf(contestant, one.mode));
      const plan = { ...one, seconds: secondsOf(bench, one), signal };
      if (!one.open) return withBytes(await load(bench, gateway, plan), one.shape);
      return await openLoad(bench, gateway, { ...plan, rate: maximum(bench, gateway.name) / 2 });
    },
  };
}

/** Rows that no mark and no plot asks for get half the time. */
function secondsOf({ options }: Bench, { matters }: LoadCase): number {
  return matters ? options.seconds : options.seconds / 2;
}

/** Of the text that came back; small answers are no matter of bytes. */
function withBytes(figures: Figures & { readonly rate: number }, { request, answer }: Shape): Figures {
  const bytes = request + answer;
  return bytes > SMALL.request ? { ...figures, megabytes: figures.rate * bytes / MEGABYTE } : figures;
}

/** The highest rate of this gateway in this run so far. */
function maximum({ results }: Bench, name: string): number {
  const rates = results.rows
    .filter((row) => row.contestant === name && row.name !== OPEN_LOOP && row.name.startsWith("stateful/"))
    .map((row) => results.samples(row.name, name, "rate").filter((rate) => rate !== undefined))
    .filter((samples) => samples.length > 0)
    .map((samples) => spread(samples).median);
  if (rates.length === 0) throw new Error("Its maximum has not been measured");
  return Math.max(...rates);
}
