/** Where and with what was measured. */
import { ROOT } from "../run_deno.ts";
import { statIfPresent } from "../source_files.ts";
import type { BenchOptions, Pinning } from "./options.ts";
import { runTool, versionOf } from "./tools.ts";

export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(): Promise<Machine> {
  return {
    date: new Date().toISOString(),
    commit: await commit(),
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    processor: await processor(),
    cores: navigator.hardwareConcurrency,
    memoryMb: Math.round(Deno.systemMemoryInfo().total / 2 ** 20),
    versions: await versions(),
  };
}

async function versions(): Promise<Record<string, string>> {
  const found = {
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    node: await versionOf("node", "--version"),
    cc: await versionOf("cc", "--version"),
    wrk: await versionOf("wrk", "--version"),
    openssl: await versionOf("openssl", "version"),
  };
  return Object.fromEntries(
    Object.entries(found).map(([name, version]) => [name, version ?? "not installed"]),
  );
}

async function commit(): Promise<string> {
  const [head, changes] = [
    await runTool("git", ["-C", ROOT, "rev-parse", "--short", "HEAD"]),
    await runTool("git", ["-C", ROOT, "status", "--porcelain"]),
  ];
  if (head?.code !== 0) return "unknown";
  return `${head.stdout.trim()}${changes?.stdout ? " with changes" : ""}`;
}

async function processor(): Promise<string> {
  if (!await statIfPresent("/proc/cpuinfo")) return Deno.build.arch;
  const info = await Deno.readTextFile("/proc/cpuinfo");
  return info.match(/^model name\s*: (.*)$/m)?.[1] ?? Deno.build.arch;
}

/** The cores to use, or why nothing can be pinned. */
export async function usablePinning({ pinning }: BenchOptions): Promise<Pinning | string> {
  if (!pinning) return "switched off";
  if (navigator.hardwareConcurrency < 2) return "the machine has one core";
  return await versionOf("taskset", "--version") === undefined ? "taskset is not installed" : pinning;
}

/** Puts this process, and what it starts from now on, on a core. */
export async function pinThisProcess(core: number): Promise<void> {
  const output = await runTool("taskset", [
    "--all-tasks",
    "--cpu-list",
    "--pid",
    String(core),
    String(Deno.pid),
  ]);
  if (output?.code !== 0) throw new Error(`taskset failed: ${output?.stderr.trim()}`);
}
