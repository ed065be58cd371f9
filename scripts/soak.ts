// deno-lint-ignore-file no-console -- a script reports to the terminal
/**
 * Sessions come and go on every wire, one in ten vanishes without a word, and attacks of all kinds are mixed in:
 * afterwards the gateway must have as many children, open files and timers and as little memory as before.
 * `deno task soak 30` goes on for half an hour.
 */
import { mix } from "../tests/hostile/mix.ts";
import { beginSocket, beginSse, type Conversation } from "../tests/support/conversation.ts";
import { type Footprint, leaksOf, startWatched, type WatchedKeystone } from "../tests/support/footprint.ts";
import type { Keystone } from "../tests/support/keystone.ts";
import { randomSeed } from "../tests/support/random.ts";
import { rawRequest, upgradeRequest } from "../tests/support/raw_http.ts";
import { openEventStream, RawStream } from "../tests/support/raw_stream.ts";
import { answer, beginSession, callTool, initialize, post } from "../tests/support/rpc.ts";

/** Visitors at a time; few, so that other work on the machine goes on. */
const VISITORS = 6;
/** Which session of ten its client leaves without a word. */
const VANISHING = 7;
/** Vanished clients must be given up while the soak goes on, and those that a busy machine holds up must not. */
const FLAGS = [
  ...["--stateful", "--sessionTimeout", "15s", "--keepAlive", "6s", "--logLevel", "error"],
  ...["--maxSessions", "1000", "--maxChildren", "1000"],
];
const ROWS = 10;
/** Of the gateway's log, where a visitor fails. */
const TOLD_CHARS = 4_000;

/** What has happened so far. */
interface Tally {
  sessions: number;
  vanished: number;
}

interface Sample extends Tally, Footprint {
  readonly seconds: number;
}

const COLUMNS: readonly (readonly [key: keyof Sample, title: string])[] = [
  ["seconds", "seconds"],
  ["sessions", "sessions"],
  ["vanished", "vanished"],
  ["children", "children"],
  ["files", "files"],
  ["timers", "timers"],
  ["heapMib", "heap MiB"],
  ["rssMib", "RSS MiB"],
];

/** Returns the exit code. */
export async function main([minutes = "1"]: readonly string[]): Promise<number> {
  const durationMs = Number(minutes) * 60_000;
  if (!(durationMs > 0)) {
    console.error(`Expected minutes, such as 1 or 30: ${JSON.stringify(minutes)}`);
    return 2;
  }
  if (Deno.build.os !== "linux") {
    console.error("Expected Linux, whose /proc tells what a process holds");
    return 2;
  }
  await using gateway = await startWatched(FLAGS);
  try {
    return verdict(await soak(gateway, durationMs));
  } catch (error) {
    const what = error instanceof Error ? error.stack : error;
    console.error(`A visitor failed: ${what}\n${gateway.stderr().slice(-TOLD_CHARS)}`);
    return 1;
  }
}

/** The samples at rest, before and after, and those in between. */
async function soak(gateway: WatchedKeystone, durationMs: number): Promise<Sample[]> {
  const tally: Tally = { sessions: 0, vanished: 0 };
  const startedAt = performance.now();
  const sampled = (footprint: Footprint): Sample => ({
    seconds: Math.round((performance.now() - startedAt) / 1000),
    ...tally,
    ...footprint,
  });
  // Code is compiled and pools are filled by the first guests: what they leave is where it begins.
  await busy(gateway, tally, Math.min(durationMs / 4, 20_000));
  console.log(COLUMNS.map(([, title]) => title).join(" "));
  const samples = [report(sampled(await gateway.footprintAtRest()))];
  const begin = performance.now();
  const over = busy(gateway, tally, durationMs);
  for (let row = 1; row < ROWS; row++) {
    await sleepUntil(begin + (durationMs * row) / ROWS);
    samples.push(report(sampled(await gateway.footprint())));
  }
  await over;
  samples.push(report(sampled(await gateway.footprintAtRest())));
  return samples;
}

/** Visitors and attackers, at the same time. */
async function busy(gateway: Keystone, tally: Tally, durationMs: number): Promise<void> {
  const attacks = mix(gateway, { seed: randomSeed(), until: AbortSignal.timeout(durationMs) });
  await Promise.all([attacks, visitUntil(gateway, tally, performance.now() + durationMs)]);
}

async function visitUntil(gateway: Keystone, tally: Tally, deadline: number): Promise<void> {
  const visitors = Array.from({ length: VISITORS }, async () => {
    while (performance.now() < deadline) await visit(gateway, tally);
  });
  await Promise.all(visitors);
}

/** One session: a handshake, a few calls, and one of the ways to part. */
async function visit(gateway: Keystone, tally: Tally): Promise<void> {
  const number = ++tally.sessions;
  const wire = number % 3;
  if (number % 10 === VANISHING) {
    tally.vanished++;
    return await [vanishFromHttp, vanishFromSse, vanishFromSocket][wire]!(gateway);
  }
  if (wire === 0) return await visitHttp(gateway);
  await using conversation = await (wire === 1 ? beginSse : beginSocket)(gateway);
  await talk(conversation);
}

async function talk(conversation: Conversation): Promise<void> {
  for (const id of [1, "1", 2]) {
    await conversation.send(callTool(id, "echo", { fill: "x".repeat(1000) }));
    await conversation.until(id);
  }
}

async function visitHttp({ mcp }: Keystone): Promise<void> {
  const session = await beginSession(mcp);
  for (const id of [1, "1", 2]) await answer(await post(mcp, callTool(id, "echo"), { session }));
  const headers = { "Mcp-Session-Id": session };
  await (await fetch(mcp, { method: "DELETE", headers })).body?.cancel();
}

/** There is no connection to lose: it never comes back. */
async function vanishFromHttp({ mcp }: Keystone): Promise<void> {
  const session = await beginSession(mcp);
  await answer(await post(mcp, callTool(1, "echo"), { session }));
}

async function vanishFromSse(gateway: Keystone): Promise<void> {
  const { stream, endpoint } = await openEventStream(gateway);
  using _ = stream;
  for (const body of [initialize(), callTool(1, "hang")]) await (await post(endpoint, body)).body?.cancel();
  await stream.read(/"serverInfo"/);
}

async function vanishFromSocket({ ws, port }: Keystone): Promise<void> {
  using socket = new RawStream(await rawRequest(port, upgradeRequest(new URL(ws).pathname)));
  await socket.writeFrame(JSON.stringify(initialize()));
  await socket.read(/"serverInfo"/);
  await socket.writeFrame(JSON.stringify(callTool(1, "hang")));
}

function report(sample: Sample): Sample {
  console.log(COLUMNS.map(([key, title]) => `${sample[key]}`.padStart(title.length)).join(" "));
  return sample;
}

/** A visitor may keep its connection for its next request, and so may those who are beside the attackers. */
function verdict(samples: readonly Sample[]): number {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const faults = [
    ...leaksOf(first, last, { connections: 2 * VISITORS }),
    ...last.vanished === 0 ? ["no client vanished"] : [],
  ];
  console.log(faults.length === 0 ? "Everything came back" : `Leaks: ${faults.join("; ")}`);
  return faults.length === 0 ? 0 : 1;
}

async function sleepUntil(at: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())));
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
