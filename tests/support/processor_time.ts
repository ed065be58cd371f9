/** What work costs, whatever else runs on the machine. */
import process from "node:process";

/** Milliseconds of processor time that this thread spends on it; other tests run in other threads. */
export function processorMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
