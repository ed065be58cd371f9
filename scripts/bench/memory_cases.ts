/** The resident memory of a gateway: idle, and for each session and each stream that it holds. */
import type { Bench } from "./bench.ts";
import { answerCheck, callParts, SMALL } from "./calls.ts";
import { type Gateway, onFreshGateway, pause } from "./gateway.ts";
import { HttpConnection } from "./http_connection.ts";
import type { Contestant, Mode } from "./peers.ts";
import type { Cell, Figures } from "./results.ts";
import { openSession, postOf, refusal, requestHead, type SessionId } from "./session.ts";
import { measureCells } from "./stage.ts";

const SETTLE_MS = 1_500; // what only starting needed has been given back by then
const MAX_ROUNDS = 3; // memory varies far less than time
const SHARED = [1, 100, 1000];
const STREAMS = 1000;

/** Sessions with a child each stop at 100, which is the limit of children by default. */
const OWN = 90;

export async function runMemory(bench: Bench): Promise<void> {
  const cells = [...idleCells(bench), ...sessionCells(bench), ...streamCells(bench)];
  await measureCells(bench, cells, Math.min(bench.options.rounds, MAX_ROUNDS));
}

function idleCells(bench: Bench): Cell[] {
  if (!bench.includes("memory/idle", true)) return [];
  const cellOf = cellsOn(bench, "stateful", idle);
  return bench.contestants.map((contestant) => cellOf("memory/idle", contestant));
}

function sessionCells(bench: Bench): Cell[] {
  const shared = SHARED.map((count) => [`memory/session of ${count}`, "shared", count] as const);
  const own = [`memory/session with a child, of ${OWN}`, "stateful", OWN] as const;
  const wanted = [...shared, own].filter(([name, _, count]) => bench.includes(name, count === 1000));
  return wanted.flatMap(([name, mode, count]) => {
    const cellOf = cellsOn(bench, mode, (gateway) => perSession(bench, gateway, count));
    return bench.sessionHolders.map((contestant) => cellOf(name, contestant));
  });
}

function streamCells(bench: Bench): Cell[] {
  const name = `memory/stream of ${STREAMS}`;
  if (!bench.includes(name, false)) return [];
  const cellOf = cellsOn(bench, "shared", (gateway) => perStream(bench, gateway));
  return bench.sessionHolders.map((contestant) => cellOf(name, contestant));
}

/** Each on a gateway that is started for it: memory that was once used stays with a process. */
function cellsOn(bench: Bench, mode: Mode, measure: (gateway: Gateway) => Promise<Figures>) {
  return (name: string, contestant: Contestant): Cell => ({
    name,
    contestant: contestant.name,
    measure: (signal) => onFreshGateway(bench, contestant, { mode, signal, run: measure }),
  });
}

async function idle(gateway: Gateway): Promise<Figures> {
  return { memory: await settledMemory(gateway) };
}

/** Beyond the first session, which also pays for what all of them use. */
async function perSession(bench: Bench, gateway: Gateway, count: number): Promise<Figures> {
  await useSessions(bench, gateway, 1);
  const before = await settledMemory(gateway);
  await useSessions(bench, gateway, count);
  return { memory: (await settledMemory(gateway) - before) / count };
}

/** The streams are those of sessions that are there already. */
async function perStream(bench: Bench, gateway: Gateway): Promise<Figures> {
  const sessions = await useSessions(bench, gateway, STREAMS);
  const before = await settledMemory(gateway);
  const streams: HttpConnection[] = [];
  try {
    for (const session of sessions) streams.push(await openStream(gateway.url, session));
    return { memory: (await settledMemory(gateway) - before) / STREAMS };
  } finally {
    for (const stream of streams) stream.close();
  }
}

/** Opens sessions and makes one call in each. */
async function useSessions(bench: Bench, { url }: Gateway, count: number): Promise<SessionId[]> {
  const check = answerCheck(SMALL);
  const connection = await HttpConnection.open(url);
  const sessions: SessionId[] = [];
  try {
    while (sessions.length < count) {
      const session = await openSession(connection, url, bench.ids.next());
      const id = bench.ids.next();
      const answer = await connection.exchange(postOf(url, session, callParts(SMALL).join(`${id}`)));
      if (answer.status !== 200) throw new Error(refusal(answer));
      check(answer.body, id);
      sessions.push(session);
    }
    return sessions;
  } finally {
    connection.close();
  }
}

async function openStream(url: URL, session: SessionId): Promise<HttpConnection> {
  const connection = await HttpConnection.open(url);
  await connection.write(requestHead({ method: "GET", url, session, length: 0 }));
  const { head } = await connection.readHead();
  if (head.slice(9, 12) !== "200") throw new Error(`No event stream: ${head.split("\r\n")[0]}`);
  return connection;
}

async function settledMemory({ process }: Gateway): Promise<number> {
  await pause(SETTLE_MS);
  return await process.memory();
}
