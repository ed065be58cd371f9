/** What work costs in processor time, which does not depend on what else the machine does. */
import process from "node:process";

/** Milliseconds of this process, in the code and in the system. */
export async function processorMs(work: () => Promise<unknown> | unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Milliseconds of processor that another process has had so far: Linux alone tells (proc(5), "stat"), in hundredths. */
export async function processorOf(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may hold spaces; the times are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
