/** What it costs to open a session: how many a second, and how long one takes. */
import type { Bench } from "./bench.ts";
import { type Gateway, onFreshGateway, pause } from "./gateway.ts";
import { HttpConnection } from "./http_connection.ts";
import type { Mode } from "./peers.ts";
import type { Cell, Figures } from "./results.ts";
import { endSession, initialize, INITIALIZED, postOf } from "./session.ts";
import { measureCells } from "./stage.ts";
import { latencyFigures } from "./stats.ts";

const OPENERS = 8;
const UNHURRIED_PAUSE_MS = 50; // a child that is started ahead is there again by then
const FIRST_SECONDS = 0.2; // not counted: the first sessions of a gateway cost more

/** How the child of a new session comes about. */
const BIRTHS: readonly (readonly [name: string, mode: Mode])[] = [
  ["cold", "stateful"],
  ["prewarmed", "prewarmed"],
  ["shared", "shared"],
];

type Measure = (gateway: Gateway, signal: AbortSignal) => Promise<Figures>;

export async function runSessions(bench: Bench): Promise<void> {
  const busy = { openers: OPENERS, pauseMs: 0 };
  const unhurried = { openers: 1, pauseMs: UNHURRIED_PAUSE_MS };
  await measureCells(bench, [
    ...BIRTHS.flatMap(([name, mode]) => birthCells(bench, `sessions/${name}`, { ...busy, mode })),
    ...BIRTHS.flatMap(([name, mode]) =>
      birthCells(bench, `unhurried session/${name}`, { ...unhurried, mode })
    ),
  ]);
}

interface BirthPlan {
  readonly mode: Mode;
  readonly openers: number;
  /** Between two sessions of an opener. */
  readonly pauseMs: number;
}

/** Sessions that are opened and ended again; the latency is that of `initialize`. */
function birthCells(bench: Bench, name: string, plan: BirthPlan): Cell[] {
  if (!bench.includes(name, name === "sessions/cold")) return [];
  const seconds = plan.pauseMs > 0 ? bench.options.seconds / 2 : bench.options.seconds;
  return cells(bench, { name, mode: plan.mode }, async ({ url }, signal) => {
    await openAndEnd(bench, url, { ...plan, seconds: FIRST_SECONDS, signal });
    return await openAndEnd(bench, url, { ...plan, seconds, signal });
  });
}

/** A cell for everyone who has sessions, on a gateway that is started for it. */
function cells(bench: Bench, { name, mode }: { name: string; mode: Mode }, measure: Measure): Cell[] {
  return bench.sessionHolders.map((contestant) => ({
    name,
    contestant: contestant.name,
    measure: (signal) =>
      onFreshGateway(bench, contestant, { mode, signal, run: (gateway) => measure(gateway, signal) }),
  }));
}

async function openAndEnd(
  bench: Bench,
  url: URL,
  { openers, pauseMs, seconds, signal }: BirthPlan & { seconds: number; signal: AbortSignal },
): Promise<Figures> {
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(Array.from({ length: openers }, async () => {
    const connection = await HttpConnection.open(url);
    try {
      while (performance.now() < end && !signal.aborted) {
        latencies.push(await lifeOfSession(connection, url, bench.ids.next()));
        if (pauseMs > 0) await pause(pauseMs);
      }
    } finally {
      connection.close();
    }
  }));
  const figures = latencyFigures(latencies);
  // Pauses make the rate say nothing of the gateway.
  return pauseMs > 0
    ? figures
    : { ...figures, rate: latencies.length / ((performance.now() - start) / 1000) };
}

async function lifeOfSession(connection: HttpConnection, url: URL, id: number): Promise<number> {
  const sent = performance.now();
  const session = await initialize(connection, url, id);
  const latency = performance.now() - sent;
  await connection.exchange(postOf(url, session, INITIALIZED));
  await endSession(connection, url, session);
  return latency;
}
