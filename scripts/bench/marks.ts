/** What Keystone sets out to reach: ratios of figures of the same run, and what nobody is to notice. */
import { PLAIN } from "./load_cases.ts";
import { FLOOR, KEYSTONE, MCP_PROXY, SUPERGATEWAY } from "./peers.ts";
import type { Figure, Results } from "./results.ts";
import { type Spread, spread } from "./stats.ts";

export interface Mark {
  readonly title: string;
  readonly row: string;
  readonly figure: Figure;
  /** What Keystone's figure is divided by; without it the figure itself is meant. */
  readonly over?: { readonly row: string; readonly contestant: string };
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface MarkResult {
  readonly title: string;
  /** Like `≥ 8`. */
  readonly limit: string;
  /** Over the rounds that have both figures; absent where there is none. */
  readonly measured?: Spread;
  readonly reached?: boolean;
  /** What the floor comes to, where a mark against another gateway was missed: a gateway can hardly do better. */
  readonly floor?: Spread;
}

const THROUGHPUT = "Stateful tools/call, 16 callers, requests/s";

export const MARKS: readonly Mark[] = [
  { ...against(SUPERGATEWAY, "stateful/16", "rate"), title: THROUGHPUT, atLeast: 8 },
  { ...against(MCP_PROXY, "stateful/16", "rate"), title: THROUGHPUT, atLeast: 8 },
  { ...against(FLOOR, "stateful/16", "rate"), title: THROUGHPUT, atLeast: 0.75 },
  { ...against(FLOOR, "stateful/1", "p50"), title: "Stateful, 1 caller, p50", atMost: 1.15 },
  { ...against(SUPERGATEWAY, "stateful/1", "p50"), title: "Stateful, 1 caller, p50", atMost: 0.4 },
  { ...against(FLOOR, "stateful/64", "p99"), title: "Stateful, 64 callers, p99", atMost: 2 },
  { ...against(FLOOR, "stateless/16", "rate"), title: "Stateless, 16 callers, requests/s", atLeast: 0.6 },
  {
    ...against(SUPERGATEWAY, "stateless/16", "rate"),
    title: "Stateless, 16 callers, requests/s",
    atLeast: 300,
  },
  {
    ...against(SUPERGATEWAY, "stateless node child/16", "rate"),
    title: "The same in front of a server in Node",
    atLeast: 300,
  },
  {
    title: "2026-07-28 in front of a server with a handshake, 1 caller, p50 / stateless",
    row: "modern/1",
    figure: "p50",
    over: { row: "stateless/1", contestant: KEYSTONE },
    atMost: 1.5,
  },
  {
    title: "The same with 16 callers",
    row: "modern/16",
    figure: "p50",
    over: { row: "stateless/16", contestant: KEYSTONE },
    atMost: 1.5,
  },
  {
    title: "The same with 1 caller, p50 in ms",
    row: "modern/1",
    figure: "p50",
    atMost: 2,
  },
  {
    ...against(SUPERGATEWAY, "modern/16", "rate"),
    title: "2026-07-28, 16 callers, requests/s",
    atLeast: 100,
  },
  {
    title: "WebSocket, 16 callers, requests/s / Streamable HTTP",
    row: "ws/16",
    figure: "rate",
    over: { row: "stateful/16", contestant: KEYSTONE },
    atLeast: 1,
  },
  { ...against(FLOOR, "answer/1 MB", "megabytes"), title: "Answers of 1 MB, MB/s", atLeast: 0.8 },
  {
    title: "1,000 sessions on a shared child, kB RSS each",
    row: "memory/session of 1000",
    figure: "memory",
    atMost: 30,
  },
  {
    title: "1,000 sessions on a shared child, requests/s / one session",
    row: "growth/1000",
    figure: "rate",
    over: { row: "growth/1", contestant: KEYSTONE },
    atLeast: 0.9,
  },
  {
    title: "Beside 1,000 slow clients, p99 / without them",
    row: "slow clients/1000",
    figure: "p99",
    over: { row: "slow clients/0", contestant: KEYSTONE },
    atMost: 2,
  },
  {
    ...besidePlain("guarded/16"),
    title: "With API keys, rate limit and audit log, requests/s / without",
    atLeast: 0.8,
  },
  {
    ...besidePlain("cors/16"),
    title: "With --cors, callers that are no browsers, requests/s / without",
    atLeast: 0.9,
  },
  { ...against(SUPERGATEWAY, "memory/idle", "memory"), title: "Idle RSS", atMost: 0.8 },
  {
    ...against(SUPERGATEWAY, "start/program", "time"),
    title: "Start of the bundle to its first answer",
    atMost: 0.35,
  },
];

function against(contestant: string, row: string, figure: Figure) {
  return { row, figure, over: { row, contestant } };
}

function besidePlain(row: string) {
  return { row, figure: "rate", over: { row: PLAIN, contestant: KEYSTONE } } as const;
}

/** Judges every mark; one whose figures are missing is neither reached nor missed. */
export function judge(results: Results, marks: readonly Mark[] = MARKS): MarkResult[] {
  return marks.map((mark) => {
    const ratios = ratiosOf(results, mark);
    const named = { title: titleOf(mark), limit: limitOf(mark) };
    if (ratios.length === 0) return named;
    const measured = spread(ratios);
    if (isReached(mark, measured.median)) return { ...named, measured, reached: true };
    const floor = isAgainstOther(mark) ? ratiosOf(results, mark, FLOOR) : [];
    return { ...named, measured, reached: false, ...(floor.length > 0 && { floor: spread(floor) }) };
  });
}

/** By round, since the two figures of one round are neighbours in time. */
function ratiosOf(results: Results, { row, figure, over }: Mark, contestant = KEYSTONE): number[] {
  const own = results.samples(row, contestant, figure);
  const others = over && results.samples(over.row, over.contestant, figure);
  return own.flatMap((value, round) => {
    const other = others ? others[round] : 1;
    return value === undefined || other === undefined ? [] : [value / other];
  });
}

function isAgainstOther({ over }: Mark): boolean {
  return over !== undefined && over.contestant !== FLOOR && over.contestant !== KEYSTONE;
}

function titleOf({ title, over }: Mark): string {
  return over && over.contestant !== KEYSTONE ? `${title} / ${over.contestant}` : title;
}

function limitOf({ atLeast, atMost }: Mark): string {
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
}

function isReached({ atLeast = -Infinity, atMost = Infinity }: Mark, value: number): boolean {
  return value >= atLeast && value <= atMost;
}
