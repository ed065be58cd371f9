/** What callers feel of a thousand clients that are slow in every way. */
import type { Bench } from "./bench.ts";
import { SMALL } from "./calls.ts";
import type { Gateway } from "./gateway.ts";
import { Lineup } from "./lineup.ts";
import { load, warmUp } from "./measure.ts";
import type { Contestant } from "./peers.ts";
import type { Cell } from "./results.ts";
import { inSession } from "./session.ts";
import { SlowClients } from "./slow_clients.ts";
import { measureCells } from "./stage.ts";

const COUNTS = [0, 1000];
const CALLERS = 16;

/** Each has a gateway of its own, since the slow ones stay for all the rounds. */
export async function runSlowClients(bench: Bench): Promise<void> {
  const entries = COUNTS
    .map((count) => ({ name: `slow clients/${count}`, count }))
    .filter(({ name }) => bench.includes(name, false))
    .flatMap((one) => bench.contestants.map((contestant) => ({ ...one, contestant })));
  await using slow = new AsyncDisposableStack();
  await using lineup = new Lineup<Gateway>(bench);
  const keyOf = (name: string, contestant: Contestant) => `${name} ${contestant.name}`;
  for (const { name, count, contestant } of entries) {
    const prepare = async (gateway: Gateway) => {
      await inSession(bench, gateway, (sessions) => warmUp(bench, gateway, { callers: CALLERS, sessions }));
      await slow.use(new SlowClients(gateway.url, count)).connected(count);
      return gateway;
    };
    await lineup.add(keyOf(name, contestant), { contestant, mode: "stateful", prepare });
  }
  await measureCells(
    bench,
    entries.map(({ name, contestant }): Cell => ({
      name,
      contestant: contestant.name,
      measure: (signal) => {
        const { seconds } = bench.options;
        const gateway = lineup.get(keyOf(name, contestant));
        return load(bench, gateway, { callers: CALLERS, shape: SMALL, seconds, signal });
      },
    })),
  );
}
