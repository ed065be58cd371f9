// deno-lint-ignore-file no-console -- a script reports to the terminal
/**
 * Sessions come and go on every wire, and one in ten vanishes without a word: afterwards the gateway must have as many
 * children, open files and as little memory as before. `deno task soak 30` goes on for half an hour.
 */
import { fileURLToPath } from "node:url";
import { beginSocket, beginSse, type Conversation } from "../tests/support/conversation.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "../tests/support/keystone.ts";
import { memoryOf } from "../tests/support/memory.ts";
import { rawRequest, upgradeRequest } from "../tests/support/raw_http.ts";
import { openEventStream, RawStream } from "../tests/support/raw_stream.ts";
import { answer, beginSession, callTool, initialize, post } from "../tests/support/rpc.ts";

/** Visitors at a time; few, so that other work on the machine goes on. */
const VISITORS = 6;
/** Which session of ten its client leaves without a word. */
const VANISHING = 7;
/** Vanished clients must be given up while the soak goes on, and those that a busy machine holds up must not. */
const FLAGS = ["--stateful", "--sessionTimeout", "15s", "--keepAlive", "6s", "--logLevel", "warn"];
const ROWS = 10;
const MIB = 1024 * 1024;

interface Sample {
  readonly seconds: number;
  readonly sessions: number;
  readonly vanished: number;
  readonly children: number;
  readonly files: number;
  readonly rssMib: number;
}

/** What has happened so far. */
interface Tally {
  sessions: number;
  vanished: number;
}

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
  await using gateway = await startGateway();
  return verdict(await soak(gateway, durationMs));
}

function startGateway(): Promise<Keystone> {
  // Memory that is free but not collected would look like a leak.
  const collector = fileURLToPath(new URL("../tests/fixtures/collect_garbage.ts", import.meta.url));
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  return startKeystone(FLAGS, {
    server: SCRIPTED,
    entry: ["--v8-flags=--expose-gc", "--preload", collector, main],
    env: { COLLECT_GARBAGE_MS: "1000" },
  });
}

/** The samples at rest, before and after, and those in between. */
async function soak(gateway: Keystone, durationMs: number): Promise<Sample[]> {
  const tally: Tally = { sessions: 0, vanished: 0 };
  const startedAt = performance.now();
  const takeSample = () => sample(gateway, tally, startedAt);
  // Code is compiled and pools are filled by the first guests: what they leave is where it begins.
  await visitUntil(gateway, tally, startedAt + Math.min(durationMs / 4, 20_000));
  console.log(" seconds sessions vanished children files RSS MiB");
  const samples = [await report(atRest(gateway, takeSample))];
  const begin = performance.now();
  const visiting = visitUntil(gateway, tally, begin + durationMs);
  for (let row = 1; row < ROWS; row++) {
    await sleepUntil(begin + (durationMs * row) / ROWS);
    samples.push(await report(takeSample()));
  }
  await visiting;
  samples.push(await report(atRest(gateway, takeSample)));
  return samples;
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

/** A sample once every session is over, those that vanished included. */
async function atRest(gateway: Keystone, takeSample: () => Promise<Sample>): Promise<Sample> {
  await eventually(gateway.children, (children) => children.length === 0);
  // Garbage is collected every second.
  await sleepUntil(performance.now() + 3_000);
  return await takeSample();
}

async function sample(gateway: Keystone, { sessions, vanished }: Tally, startedAt: number): Promise<Sample> {
  const files = await Array.fromAsync(Deno.readDir(`/proc/${gateway.pid}/fd`));
  return {
    seconds: Math.round((performance.now() - startedAt) / 1000),
    sessions,
    vanished,
    children: (await gateway.children()).length,
    files: files.length,
    rssMib: Math.round((await memoryOf(gateway.pid)).now / MIB),
  };
}

async function report(taken: Promise<Sample>): Promise<Sample> {
  const sample = await taken;
  const cells = Object.values(sample).map((value, at) => `${value}`.padStart([8, 8, 8, 8, 5, 7][at] ?? 8));
  console.log(cells.join(" "));
  return sample;
}

/**
 * Memory breathes: what comes back is not the last byte. Children do come back, and files but for the connections
 * that each visitor may keep for its next request.
 */
function verdict(samples: readonly Sample[]): number {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const allowedMib = Math.round(first.rssMib * 1.2 + 16);
  const faults = [
    ...last.children > 0 ? [`${last.children} children are left`] : [],
    ...last.files > first.files + VISITORS ? [`${last.files - first.files} more files are open`] : [],
    ...last.rssMib > allowedMib ? [`${last.rssMib} MiB are held, and ${allowedMib} are allowed`] : [],
    ...last.vanished === 0 ? ["no client vanished"] : [],
  ];
  console.log(faults.length === 0 ? "Everything came back" : `Leaks: ${faults.join("; ")}`);
  return faults.length === 0 ? 0 : 1;
}

async function sleepUntil(at: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())));
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
