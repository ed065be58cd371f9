/** Starts everyone who takes part, measures them in turns, and stops them. */
import type { Bench } from "./bench.ts";
import { type Shape, SMALL } from "./calls.ts";
import { type Gateway, type LaunchOptions, startGateway } from "./gateway.ts";
import { type LoadCase, OPEN_LOOP } from "./load_cases.ts";
import { load, openLoad, warmUp } from "./measure.ts";
import type { Contestant, Mode } from "./peers.ts";
import type { Cell, Figures } from "./results.ts";
import { type RoundsOptions, runRounds } from "./rounds.ts";
import { spread } from "./stats.ts";

const SPARE_SECONDS = 20; // for what comes before and after the load: a slow gateway's last answers
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
  await using gateways = new Gateways();
  for (const mode of modes) {
    for (const contestant of bench.contestants) await gateways.start(bench, contestant, { mode, child });
  }
  const cells = wanted.flatMap((one) =>
    bench.contestants.map((contestant) => loadCell(bench, contestant, one, gateways))
  );
  await measureCells(bench, cells);
}

/** Those that run, and why others do not. */
class Gateways implements AsyncDisposable {
  readonly #running = new Map<string, Gateway>();
  readonly #reasons = new Map<string, unknown>();

  /** Starts a gateway and warms it up; a failure is kept for who asks for it. */
  async start(bench: Bench, contestant: Contestant, options: LaunchOptions): Promise<void> {
    const key = `${contestant.name} ${options.mode}`;
    try {
      const gateway = await startGateway(bench, contestant, options);
      this.#running.set(key, gateway);
      await warmUp(bench, gateway);
    } catch (error) {
      this.#reasons.set(key, error);
    }
  }

  get({ name }: Contestant, mode: Mode): Gateway {
    const key = `${name} ${mode}`;
    const gateway = this.#running.get(key);
    if (this.#reasons.has(key) || !gateway) throw this.#reasons.get(key);
    return gateway;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((gateway) => gateway[Symbol.asyncDispose]()));
  }
}

function loadCell(bench: Bench, contestant: Contestant, one: LoadCase, gateways: Gateways): Cell {
  return {
    name: one.name,
    contestant: contestant.name,
    async measure(signal) {
      if (contestant.bare && one.shape.progress > 0) throw new Error("it passes no notifications on");
      const gateway = gateways.get(contestant, one.mode);
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
