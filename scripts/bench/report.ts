/** The results of a run: as JSON for later, as a table for now. */
import { TURNS } from "./crowd_cases.ts";
import type { Bench } from "./bench.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { judge, type MarkResult } from "./marks.ts";
import { UsageError } from "./options.ts";
import { PACKAGES } from "./peers.ts";
import { type Figure, Results, type Row } from "./results.ts";
import { type Spread, spread } from "./stats.ts";

export interface Report {
  readonly machine: Machine;
  readonly setup: Setup;
  readonly rows: readonly Row[];
  readonly marks: readonly MarkResult[];
}

/** Seen: 0.6 of the floor in a quick run, 1.0 after it. */
const QUICK = "A quick run judges no mark: its gateways are measured while they are still being compiled.";

interface Setup {
  readonly rounds: number;
  readonly seconds: number;
  /** How many times as many the rounds of `growth` are. */
  readonly turns?: number;
  readonly quick: boolean;
  readonly load: string;
  readonly child: string;
  readonly pinning: string;
  readonly packages: readonly string[];
  readonly commands: Readonly<Record<string, string>>;
}

export async function makeReport(bench: Bench): Promise<Report> {
  const { rounds, seconds, quick, child } = bench.options;
  return {
    machine: await describeMachine(),
    setup: {
      rounds,
      seconds,
      turns: TURNS,
      quick,
      load: bench.wrk ? "wrk for HTTP/1.1, built-in for the rest" : "built-in",
      child,
      pinning: describePinning(bench),
      packages: Object.values(PACKAGES),
      commands: Object.fromEntries(bench.commands),
    },
    rows: bench.results.rows,
    marks: judge(bench.results),
  };
}

function describePinning({ pinning }: Bench): string {
  if (typeof pinning === "string") return `nothing is pinned: ${pinning}`;
  const { gateway, load, child = gateway } = pinning;
  return `gateway on core ${gateway}, its child on core ${child}, load on core ${load}`;
}

/** The figures in the order of their columns; they are printed with so many digits behind the point. */
export const COLUMNS: readonly (readonly [figure: Figure, title: string, digits: number])[] = [
  ["rate", "per second", 0],
  ["p50", "p50 ms", 3],
  ["p99", "p99 ms", 3],
  ["megabytes", "MB/s", 1],
  ["memory", "kB", 1],
  ["time", "ms", 0],
  ["load", "% load", 0],
];

/** What a row has of one figure; undefined where it has none. */
export function spreadOf(row: Row, figure: Figure): Spread | undefined {
  const samples = row.rounds.map((figures) => figures?.[figure]).filter((value) => value !== undefined);
  return samples.length > 0 ? spread(samples) : undefined;
}

/** Like `1,234 (1,200–1,300)`; a single round has no range. */
export function formatSpread({ median, min, max }: Spread, digits: number): string {
  const text = formatNumber(median, digits);
  return min === max ? text : `${text} (${formatNumber(min, digits)}–${formatNumber(max, digits)})`;
}

function formatNumber(value: number, digits: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The figures of one row as words: `per second 1,234 · p50 ms 0.100`. */
export function formatRow(row: Row): string {
  const figures = COLUMNS.flatMap(([figure, title, digits]) => {
    const found = spreadOf(row, figure);
    return found ? [`${formatSpread(found, digits)} ${title}`] : [];
  });
  return [...figures, ...(row.reason === undefined ? [] : [reasonOf(row)])].join(" · ");
}

function reasonOf({ wrong, reason = "" }: Row): string {
  return wrong === undefined ? `– ${reason}` : `WRONG: ${wrong}`;
}

/** The table of a terminal. */
export function formatReport({ machine, setup, rows, marks }: Report): string {
  const width = Math.max(0, ...rows.map(({ contestant }) => contestant.length));
  const names = new Set(rows.map(({ name }) => name));
  const lines = [...names].flatMap((name) => [
    name,
    ...rows.filter((row) => row.name === name).map((row) =>
      `  ${row.contestant.padEnd(width)}  ${formatRow(row)}`
    ),
  ]);
  return [
    `${machine.processor}, ${machine.cores} cores, ${machine.system}, commit ${machine.commit}`,
    `${roundsText(setup)}; ${setup.load}; ${setup.pinning}`,
    "",
    ...lines,
    "",
    ...(setup.quick ? [QUICK] : []),
    ...marks.map(formatMark),
  ].join("\n");
}

/** How long was measured, and how often. */
export function roundsText({ rounds, seconds, turns = TURNS }: Setup): string {
  const half = "of half for lesser rows (at least 1 s by wrk)";
  return `${rounds} rounds of ${seconds} s, ${half}; growth: ${turns} times as many`;
}

/** `reached`, `missed` or `not measured`, and by how much. */
function formatMark({ title, limit, measured, reached, floor }: MarkResult): string {
  const word = reached === undefined ? "not measured" : reached ? "reached" : "missed";
  const figure = measured ? ` ${formatSpread(measured, 2)}` : "";
  const possible = floor ? `; the floor: ${formatSpread(floor, 2)}` : "";
  return `${word.padEnd(13)} ${title}:${figure} (mark: ${limit}${possible})`;
}

/** Reads what an earlier run wrote. Throws {@linkcode UsageError}. */
export async function readReport(path: string): Promise<Report> {
  const report = await parsedReport(path);
  return { ...report, marks: judge(new Results(report.rows)) };
}

async function parsedReport(path: string): Promise<Report> {
  try {
    const report: Report = JSON.parse(await Deno.readTextFile(path));
    if (Array.isArray(report.rows) && report.machine?.processor && report.setup?.rounds) return report;
    throw new TypeError("It is no report");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--from ${path} cannot be reported: ${why}`, { cause: error });
  }
}
