/** What it costs that there are many sessions, and many clients, on one child. */
import type { Bench } from "./bench.ts";
import { SMALL } from "./calls.ts";
import type { Gateway } from "./gateway.ts";
import { Lineup } from "./lineup.ts";
import { sessionLoad, warmUp } from "./measure.ts";
import type { Contestant } from "./peers.ts";
import type { Cell } from "./results.ts";
import { openSessions, type SessionId } from "./session.ts";
import { measureCells } from "./stage.ts";

/** So many calls at a time, which take turns in so many sessions. */
interface Crowd {
  readonly name: string;
  readonly sessions: number;
  readonly callers: number;
}

/** As many calls, and more and more sessions. */
const GROWTH: readonly Crowd[] = [1, 10, 100, 1000].map((count) => ({
  name: `growth/${count}`,
  sessions: count,
  callers: 16,
}));
/** More and more sessions, and for each a call at a time. */
const CLIENTS: readonly Crowd[] = [1, 4, 16, 64, 256].map((count) => ({
  name: `clients/${count}`,
  sessions: count,
  callers: count,
}));
const IN_QUICK = ["growth/1", "growth/1000"];

/** A difference of a few percent shows in many short turns, close to one another, sooner than in few long ones. */
export const TURNS = 4;

interface Crowded {
  readonly gateway: Gateway;
  readonly sessions: readonly SessionId[];
}

/** Every crowd has a gateway of its own for all the rounds; they share a core, where only one has something to do. */
export async function runCrowds(bench: Bench): Promise<void> {
  const { rounds } = bench.options;
  await runCrowd(bench, GROWTH, rounds * TURNS);
  await runCrowd(bench, CLIENTS, rounds);
}

async function runCrowd(bench: Bench, crowds: readonly Crowd[], rounds: number): Promise<void> {
  const entries = crowds
    .filter(({ name }) => bench.includes(name, IN_QUICK.includes(name)))
    .flatMap((crowd) => bench.sessionHolders.map((contestant) => ({ crowd, contestant })));
  const seconds = bench.options.seconds / 2; // so that nobody waits for half a minute (load_cases.ts)
  await using lineup = new Lineup<Crowded>(bench);
  for (const { crowd, contestant } of entries) {
    const prepare = (gateway: Gateway) => gather(bench, gateway, crowd);
    await lineup.add(keyOf(crowd, contestant), { contestant, mode: "shared", prepare });
  }
  const cells = entries.map(({ crowd, contestant }): Cell => ({
    name: crowd.name,
    contestant: contestant.name,
    async measure(signal) {
      const { gateway, sessions } = lineup.get(keyOf(crowd, contestant));
      // Who took too long is asked no more, and must not keep the core busy.
      signal.addEventListener("abort", () => gateway[Symbol.asyncDispose](), { once: true });
      return await sessionLoad(bench, gateway, { ...crowd, shape: SMALL, sessions, seconds, signal });
    },
  }));
  await measureCells(bench, cells, rounds);
}

function keyOf({ name }: Crowd, contestant: Contestant): string {
  return `${name} ${contestant.name}`;
}

async function gather(bench: Bench, gateway: Gateway, { sessions: count, callers }: Crowd): Promise<Crowded> {
  const sessions = await openSessions(bench, gateway, count);
  await warmUp(bench, gateway, { callers, sessions });
  return { gateway, sessions };
}
