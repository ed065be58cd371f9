/** From the start of the process to the first answer that came through to the child. */
import type { Bench } from "./bench.ts";
import { firstConnection, launchGateway } from "./gateway.ts";
import { type Contestant, keystone, type Mode } from "./peers.ts";
import type { Cell, Figures } from "./results.ts";
import { initialize } from "./session.ts";
import { measureCells } from "./stage.ts";

export async function runStart(bench: Bench): Promise<void> {
  const cells: Cell[] = [];
  if (bench.includes("start/program", true)) {
    cells.push(...bench.contestants.map((one) => startCell(bench, "start/program", one, "stateful")));
  }
  if (bench.includes("start/source", false) && bench.contestants.includes(keystone)) {
    cells.push(startCell(bench, "start/source", keystone, "source"));
  }
  await measureCells(bench, cells);
}

function startCell(bench: Bench, name: string, contestant: Contestant, mode: Mode): Cell {
  return { name, contestant: contestant.name, measure: () => measureStart(bench, contestant, mode) };
}

async function measureStart(bench: Bench, contestant: Contestant, mode: Mode): Promise<Figures> {
  const start = performance.now();
  await using gateway = launchGateway(bench, contestant, { mode });
  const connection = await firstConnection(gateway);
  try {
    await initialize(connection, gateway.url, bench.ids.next());
    return { time: performance.now() - start };
  } finally {
    connection.close();
  }
}
