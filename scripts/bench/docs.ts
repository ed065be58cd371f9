/** Writes docs/benchmarks.md and its plot from the results of a run. */
import { runDeno } from "../run_deno.ts";
import type { MarkResult } from "./marks.ts";
import { plotRates } from "./plot.ts";
import { COLUMNS, formatSpread, type Report, roundsText, spreadOf } from "./report.ts";
import type { Row } from "./results.ts";

const PLOT = "benchmarks.svg";

/** Replaces both files as a whole: nobody writes into them by hand. */
export async function writeDocs(report: Report, folder: string): Promise<void> {
  const page = `${folder}/benchmarks.md`;
  const plot = `${folder}/${PLOT}`;
  await Deno.writeTextFile(plot, plotRates(report));
  await Deno.writeTextFile(page, benchmarksPage(report));
  const { code, stderr } = await runDeno(["fmt", "--quiet", page, plot]);
  if (code !== 0) throw new Error(`Cannot format ${page} and ${plot}: ${stderr.trim()}`);
}

/** The page in Markdown, whose tables still want to be aligned. */
export function benchmarksPage(report: Report): string {
  return [
    "# Benchmarks",
    "",
    "Written by `deno task bench --docs`: medians of the rounds, and the range in brackets. All gateways of a row were",
    "measured in turns on one machine, in front of the same server, and every answer was checked.",
    "",
    `![Requests a second](${PLOT})`,
    "",
    ...marksSection(report),
    "## Figures",
    "",
    "The number behind the slash counts the callers. They share one session; each has one call open at a time. In",
    "`growth` and `clients` it counts the sessions: calls take turns in them, 16 at a time in `growth`, and as many as",
    "there are sessions in `clients`.",
    "In `slow clients` it counts those who stop or trickle within a head or a body, or do not read their answer, while",
    "16 callers are measured.",
    "`stateful/open` is open loop: calls arrive at half the rate that the gateway can take. `added` is what a gateway",
    "adds to the bare pipe.",
    "",
    ...groupsOf(report.rows).flatMap(groupSection),
    ...machineSection(report),
  ].join("\n");
}

function marksSection({ marks }: Report): string[] {
  const word = ({ reached, floor }: MarkResult) => {
    if (reached === undefined) return "not measured";
    return reached ? "yes" : floor ? `no; the floor: ${formatSpread(floor, 2)}` : "no";
  };
  return [
    "## Marks",
    "",
    ...table(
      ["Keystone", "Mark", "Measured", "Reached"],
      marks.map((mark) => [
        mark.title,
        mark.limit,
        mark.measured ? formatSpread(mark.measured, 2) : "",
        word(mark),
      ]),
    ),
  ];
}

function groupsOf(rows: readonly Row[]): (readonly [string, Row[]])[] {
  const groups = Map.groupBy(rows, ({ name }) => name.slice(0, name.indexOf("/")));
  return [...groups];
}

/** Only the columns that one of its rows has. */
function groupSection([group, rows]: readonly [string, Row[]]): string[] {
  const found = COLUMNS.filter(([figure]) => rows.some((row) => spreadOf(row, figure)));
  const columns = found.length > 0 ? found : COLUMNS.slice(0, 1); // for the reasons
  const cells = (row: Row) =>
    columns.map(([figure, _, digits], index) => {
      const found = spreadOf(row, figure);
      return found ? formatSpread(found, digits) : index === 0 ? row.reason ?? "" : "";
    });
  return [
    `### ${group}`,
    "",
    ...table(
      ["Row", "Gateway", ...columns.map(([_, title]) => title)],
      rows.map((row) => [row.name, row.contestant, ...cells(row)]),
    ),
  ];
}

function machineSection({ machine, setup }: Report): string[] {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return [
    "## Machine",
    "",
    ...[
      `${machine.processor}, ${machine.cores} cores, ${machine.memoryMb} MB, ${machine.system}`,
      `Commit ${machine.commit}, ${machine.date}`,
      [...versions, ...setup.packages].join(", "),
      `${roundsText(setup)}; load: ${setup.load}; child: ${setup.child}; ${setup.pinning}`,
    ].map((line) => `- ${line}`),
    "",
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line), ""];
}

/** A reason may quote what a gateway answered. */
function escapeCell(text: string): string {
  return text.replaceAll(/[\\|<>]/g, "\\$&").replaceAll(/\s+/g, " ");
}
