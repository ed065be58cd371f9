/** What was measured: rows of rounds, each a few figures. */
import { WrongAnswerError } from "./calls.ts";

/** Times are in milliseconds, memory in kB, megabytes and rate a second, load in percent of a core. */
export type Figure = "rate" | "p50" | "p99" | "megabytes" | "memory" | "time" | "load";

export type Figures = Partial<Readonly<Record<Figure, number>>>;

/** One measurement that is repeated in every round. */
export interface Cell {
  /** Like `stateful/16`: the part before the slash is the group. */
  readonly name: string;
  readonly contestant: string;
  measure(signal: AbortSignal): Promise<Figures>;
}

export interface Row {
  readonly name: string;
  readonly contestant: string;
  /** By round; null where it failed. */
  readonly rounds: (Figures | null)[];
  /** Why there are no figures, or fewer than rounds. */
  reason?: string;
  /** An answer that was not the right one. */
  wrong?: string;
}

/** Rows in the order in which they were first heard of. */
export class Results {
  readonly #rows = new Map<string, Row>();

  constructor(rows: readonly Row[] = []) {
    for (const row of rows) this.#rows.set(key(row), row);
  }

  get rows(): Row[] {
    return [...this.#rows.values()];
  }

  get wrong(): Row[] {
    return this.rows.filter((row) => row.wrong !== undefined);
  }

  row(name: string, contestant: string): Row {
    const row = this.#rows.get(key({ name, contestant })) ?? { name, contestant, rounds: [] };
    this.#rows.set(key(row), row);
    return row;
  }

  /** By round, undefined where there is none. */
  samples(name: string, contestant: string, figure: Figure): (number | undefined)[] {
    return this.#rows.get(key({ name, contestant }))?.rounds.map((figures) => figures?.[figure]) ?? [];
  }

  add(cell: Pick<Cell, "name" | "contestant">, figures: Figures): void {
    this.row(cell.name, cell.contestant).rounds.push(figures);
  }

  /** Keeps the row, so that the report tells what is missing. */
  fail({ name, contestant }: Pick<Cell, "name" | "contestant">, error: unknown): void {
    const row = this.row(name, contestant);
    row.rounds.push(null);
    row.reason = error instanceof Error ? error.message : String(error);
    if (error instanceof WrongAnswerError) row.wrong = error.message;
  }
}

function key({ name, contestant }: Pick<Row, "name" | "contestant">): string {
  return `${name} ${contestant}`;
}
