/** What a gateway holds: for tests that it comes back to what it was. Linux alone tells. */
import { fileURLToPath } from "node:url";
import type { ToldFootprint } from "../fixtures/tell_footprint.ts";
import { descriptorsOf } from "./descriptors.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "./keystone.ts";
import { memoryOf } from "./memory.ts";

const MIB = 1024 * 1024;
/** Garbage is collected every second, and what is left is told twice a second. */
const SETTLE_MS = 8_000;
/**
 * One timer serves all connections, bodies and streams; when it has fired and nothing waits, it is not set again. For a
 * connection that is idle it fires twice.
 */
const LIMITS = [
  ...["--headerTimeout", "--bodyTimeout", "--stallTimeout"].flatMap((flag) => [flag, "5s"]),
  ...["--idleTimeout", "3s"],
];
const COLLECT_GARBAGE_MS = "1000";

export interface Footprint {
  readonly children: number;
  readonly files: number;
  /** What JavaScript holds. */
  readonly heapMib: number;
  readonly rssMib: number;
  /** Of the gateway's own code and its libraries. */
  readonly timers: number;
}

export interface WatchedKeystone extends Keystone {
  footprint(): Promise<Footprint>;
  /** Once no child is left, and garbage has been collected. */
  footprintAtRest(): Promise<Footprint>;
}

/** A gateway in front of the scripted server that can be asked what it holds. */
export async function startWatched(flags: readonly string[]): Promise<WatchedKeystone> {
  const file = await Deno.makeTempFile({ prefix: "keystone-footprint-" });
  const gateway = await startKeystone([...LIMITS, ...flags], {
    server: SCRIPTED,
    entry: [
      // Memory that is free but not collected would look like a leak.
      ...["--v8-flags=--expose-gc", "--preload", pathOf("../fixtures/collect_garbage.ts")],
      ...["--preload", pathOf("../fixtures/tell_footprint.ts"), pathOf("../../main.ts")],
    ],
    env: { COLLECT_GARBAGE_MS, FOOTPRINT_FILE: file },
  });
  const footprint = () => footprintOf(gateway, file);
  return {
    ...gateway,
    footprint,
    async footprintAtRest() {
      await eventually(gateway.children, (children) => children.length === 0);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      return await footprint();
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await Deno.remove(file);
    },
  };
}

async function footprintOf(gateway: Keystone, file: string): Promise<Footprint> {
  const { timers, heapBytes }: ToldFootprint = JSON.parse(await Deno.readTextFile(file));
  return {
    children: (await gateway.children()).length,
    files: descriptorsOf(gateway.pid),
    heapMib: Math.round(heapBytes / MIB),
    rssMib: Math.round((await memoryOf(gateway.pid)).now / MIB),
    timers,
  };
}

/**
 * What has not come back, but for `connections` that may still be open on either side. Memory breathes: the allocator
 * keeps some of what large messages took, so the level of all memory is held to less than that of what is in use.
 */
export function leaksOf(
  before: Footprint,
  after: Footprint,
  { connections }: { connections: number },
): string[] {
  const { children, files, timers, heapMib, rssMib } = after;
  const maxHeapMib = Math.round(before.heapMib * 1.2 + 16);
  const maxRssMib = Math.round(before.rssMib * 1.5 + 100);
  return [
    ...children > 0 ? [`${children} children are left`] : [],
    ...files > before.files + connections ? [`${files - before.files} more files are open`] : [],
    ...timers > before.timers ? [`${timers - before.timers} more timers are set`] : [],
    ...heapMib > maxHeapMib ? [`${heapMib} MiB are in use, and ${maxHeapMib} are allowed`] : [],
    ...rssMib > maxRssMib ? [`${rssMib} MiB are held, and ${maxRssMib} are allowed`] : [],
  ];
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
