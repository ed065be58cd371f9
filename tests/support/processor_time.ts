/** How long the main thread of a process has been computing, in milliseconds: Linux alone tells (proc(5), "schedstat"). */
export async function processorMs(pid: number): Promise<number> {
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
  for (let round = 0; round < 3; round++) {
    const before = await processorMs(Deno.pid);
    JSON.parse(KNOWN_TEXT);
    times.push(await processorMs(Deno.pid) - before);
  }
  return Math.max(1, Math.min(...times) / KNOWN_MS);
}
