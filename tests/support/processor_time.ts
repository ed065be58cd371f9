/** What work costs in processor time, which does not depend on what else the machine does. */
import assert from "node:assert/strict";
import process from "node:process";

type Work = () => Promise<unknown> | unknown;

/** How long the main thread of a process has been computing, in milliseconds: Linux alone tells (proc(5), "schedstat"). */
export async function mainThreadMs(pid: number): Promise<number> {
  const [ns = ""] = (await Deno.readTextFile(`/proc/${pid}/task/${pid}/schedstat`)).split(" ");
  return Number(ns) / 1e6;
}

/** A text of the kind that gateways parse all day. */
const KNOWN_TEXT = JSON.stringify(
  Array.from(
    { length: 20_000 },
    (_, number) => ({ name: `tool ${number}`, inputSchema: { type: "object", required: ["a"] } }),
  ),
);
/** What that took where the limits were set, on a quiet day. */
const KNOWN_MS = 25;

/** How many times longer than there a known work takes here and now: on slow machines, and beside busy neighbours. */
export async function slowness(): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 3; round++) times.push(await processorMs(() => JSON.parse(KNOWN_TEXT)));
  return Math.max(1, Math.min(...times) / KNOWN_MS);
}

/** Milliseconds that this thread computes, in the code and in the system; other tests run in other threads. */
export async function processorMs(work: Work): Promise<number> {
  const before = computedMs();
  await work();
  return computedMs() - before;
}

/** Linux counts in nanoseconds there (proc(5), "schedstat"); what all systems have is in steps of 10 ms on some. */
function computedMs(): number {
  const exact = scheduledMs();
  if (exact > 0) return exact;
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** 0 where nobody counts. */
function scheduledMs(): number {
  try {
    const [ns = ""] = Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ");
    return Number(ns) / 1e6;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** How much larger the large one is than the small one of two measurements. */
const GROWTH = 8;
/** What is slow is slow each time; what a collection of garbage, a compilation or a busy neighbour fell into is not. */
const TRIES = 5;
/** Some systems count in steps of that size. */
const LEAST_MS = 5;

/** Prepares work of a size, and returns what is measured of it. */
type Prepare = (size: number) => Work | Promise<Work>;

/**
 * Fails where work costs more than in proportion to its size, and says by how much. No machine is too slow for it: two
 * sizes are compared, of which the large one would take 8 times its share if the cost were a square.
 */
export async function assertLinear(size: number, prepare: Prepare): Promise<void> {
  const costOf = async (size: number) => await processorMs(await prepare(size));
  const ratios: number[] = [];
  while (ratios.length < TRIES) {
    const small = Math.max(LEAST_MS, await costOf(size));
    const large = await costOf(size * GROWTH);
    ratios.push(large / small);
    if (large < 3 * GROWTH * small) return;
  }
  const told = ratios.map((ratio) => ratio.toFixed(0)).join(", ");
  assert.fail(`${GROWTH} times the size took ${told} times as long`);
}

/** Milliseconds of processor that another process has had so far: Linux alone tells (proc(5), "stat"), in hundredths. */
export async function processorOf(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may hold spaces; the times are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
