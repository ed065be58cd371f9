/** What work costs in processor time, which does not depend on what else the machine does. */
import process from "node:process";

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
export async function processorMs(work: () => Promise<unknown> | unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

/** Milliseconds of processor that another process has had so far: Linux alone tells (proc(5), "stat"), in hundredths. */
export async function processorOf(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may hold spaces; the times are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
