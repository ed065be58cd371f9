/** The process table, for what a gateway that has ended can no longer be asked about. */

/** Which of these processes still run; a zombie has ended, only its parent has not looked yet. */
export async function running(pids: readonly number[]): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,stat="] }).output();
  const rows = new TextDecoder().decode(stdout).trim().split("\n").map((row) => row.trim().split(/\s+/));
  const alive = new Set(rows.filter(([, stat]) => !stat?.startsWith("Z")).map(([pid]) => Number(pid)));
  return pids.filter((pid) => alive.has(pid));
}
