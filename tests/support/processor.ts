/** What work costs in processor time, which does not depend on what else the machine does. */
import process from "node:process";

/** Milliseconds of this process, in the code and in the system. */
export async function processorMs(work: () => Promise<unknown> | unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
