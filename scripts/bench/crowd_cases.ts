/** What it costs that there are many sessions, and many clients, on one child. */
import type { Bench } from "./bench.ts";
import { SMALL } from "./calls.ts";
import type { Gateway } from "./gateway.ts";
import { Lineup } from "./lineup.ts";
import { builtInLoad, sessionLoad, type SessionPlan } from "./measure.ts";
import type { Contestant } from "./peers.ts";
import type { Cell } from "./results.ts";
import { openSessions } from "./session.ts";
import { measureCells } from "./stage.ts";

const WARM_UP_LIMIT_MS = 20_000;
const WARM_UP_SECONDS = 1;

/** So many callers, who take turns in so many sessions. */
interface Crowd {
  readonly name: string;
  readonly sessions: number;
  readonly callers: number;
}

/** As many callers, and more and more sessions. */
const GROWTH = [1, 10, 100, 1000].map((count) => ({ name: `growth/${count}`, sessions: count, callers: 16 }));
/** More and more clients, each with a session and a call of its own. */
const CLIENTS = [1, 4, 16, 64, 256].map((count) => ({
  name: `clients/${count}`,
  sessions: count,
  callers: count,
}));
const SMALLEST = "growth/1";
const LARGEST = "growth/1000";

/** A difference of a few percent shows in many short turns, close to one another, sooner than in few long ones. */
const TURNS = 4;

interface Crowded {
  readonly gateway: Gateway;
  readonly sessions: SessionPlan["sessions"];
}

export async function runCrowds(bench: Bench): Promise<void> {
  const { rounds, seconds } = bench.options;
  for (const contestant of bench.sessionHolders) {
    await runCrowd(bench, contestant, { crowds: GROWTH, rounds: rounds * TURNS, seconds: seconds / 2 });
    await runCrowd(bench, contestant, { crowds: CLIENTS, rounds, seconds });
  }
}

interface CrowdPlan {
  readonly crowds: readonly Crowd[];
  readonly rounds: number;
  readonly seconds: number;
}

async function runCrowd(bench: Bench, contestant: Contestant, plan: CrowdPlan): Promise<void> {
  const wanted = plan.crowds.filter(({ name }) =>
    bench.includes(name, name === SMALLEST || name === LARGEST)
  );
  await using lineup = new Lineup<Crowded>(bench);
  for (const crowd of wanted) {
    const prepare = (gateway: Gateway) => gather(bench, gateway, crowd);
    await lineup.add(crowd.name, { contestant, mode: "shared", prepare });
  }
  const cells = wanted.map(({ name, callers }): Cell => ({
    name,
    contestant: contestant.name,
    async measure(signal) {
      const { gateway, sessions } = lineup.get(name);
      const { seconds } = plan;
      return await sessionLoad(bench, gateway, { callers, shape: SMALL, sessions, seconds, signal });
    },
  }));
  await measureCells(bench, cells, plan.rounds);
}

/** Opens the sessions, and finds out whether each caller gets its own answers. */
async function gather(bench: Bench, gateway: Gateway, { sessions: count, callers }: Crowd): Promise<Crowded> {
  const sessions = await openSessions(bench, gateway, count);
  const signal = AbortSignal.timeout(WARM_UP_LIMIT_MS);
  const seconds = Math.min(bench.options.seconds, WARM_UP_SECONDS);
  await builtInLoad(bench, gateway, { callers, shape: SMALL, sessions, seconds, signal });
  return { gateway, sessions };
}
