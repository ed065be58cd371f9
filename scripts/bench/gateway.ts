/** A gateway that runs: started, found ready, stopped. */
import type { Bench } from "./bench.ts";
import { HttpConnection } from "./http_connection.ts";
import type { Contestant, Launch, Mode } from "./peers.ts";
import { freePort, Started } from "./started.ts";

const START_LIMIT_MS = 20_000;
const POLL_MS = 1; // shorter than any difference that counts

export interface Gateway extends AsyncDisposable {
  readonly name: string;
  readonly mode: Mode;
  readonly url: URL;
  readonly process: Started;
}

export interface LaunchOptions {
  readonly mode: Mode;
  /** The command line of the server behind it, where it is not that of all. */
  readonly child?: string;
}

/** Starts a gateway without waiting for it. Throws where the contestant does not serve this mode. */
export function launchGateway(
  bench: Bench,
  contestant: Contestant,
  { mode, child = bench.child }: LaunchOptions,
): Gateway {
  const tls = mode === "tls" ? bench.tls : undefined;
  if (typeof tls === "string") throw new Error(tls);
  const port = freePort();
  const guard = mode === "guarded" ? bench.guard : undefined;
  const launch = contestant.launch(mode, { port, child, tls, guard });
  if (typeof launch === "string") throw new Error(launch);
  const process = startProcess(bench, `${contestant.name} ${mode}`, launch);
  const url = new URL(`${tls ? "https" : "http"}://127.0.0.1:${port}${launch.path}`);
  // Whoever makes requests of it sends that along.
  if (guard) url.password = guard.token;
  return {
    name: contestant.name,
    mode,
    url,
    process,
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
      bench.running.delete(process);
    },
  };
}

/** Starts a gateway and waits until it takes connections. */
export async function startGateway(
  bench: Bench,
  contestant: Contestant,
  options: LaunchOptions,
): Promise<Gateway> {
  const gateway = launchGateway(bench, contestant, options);
  try {
    (await firstConnection(gateway)).close();
    if (contestant.opensLate) await firstRoute(gateway);
    return gateway;
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

interface FreshOptions<Result> extends LaunchOptions {
  readonly signal: AbortSignal;
  run(gateway: Gateway): Promise<Result>;
}

/** Runs something on a gateway of its own, which ends afterwards, or at once when the signal says so. */
export async function onFreshGateway<Result>(
  bench: Bench,
  contestant: Contestant,
  { signal, run, ...options }: FreshOptions<Result>,
): Promise<Result> {
  await using gateway = await startGateway(bench, contestant, options);
  signal.throwIfAborted();
  signal.addEventListener("abort", () => gateway[Symbol.asyncDispose](), { once: true });
  return await run(gateway);
}

/** Knocks until somebody opens; throws when the gateway ends, or takes too long. */
export async function firstConnection({ url, process }: Gateway): Promise<HttpConnection> {
  const end = performance.now() + START_LIMIT_MS;
  while (performance.now() < end) {
    try {
      return await HttpConnection.open(url);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await process.checkAlive();
      await pause(POLL_MS);
    }
  }
  throw new Error(`It listened to nobody for ${START_LIMIT_MS / 1000} s`);
}

async function firstRoute({ url }: Gateway): Promise<void> {
  const end = performance.now() + START_LIMIT_MS;
  while (performance.now() < end) {
    const { status, body } = await fetch(url, { method: "DELETE" });
    await body?.cancel();
    if (status !== 404) return;
    await pause(POLL_MS);
  }
  throw new Error(`There was nothing at ${url.pathname} for ${START_LIMIT_MS / 1000} s`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function startProcess(bench: Bench, label: string, { command }: Launch): Started {
  if (bench.stopping) throw new Error("The benchmark is being stopped");
  bench.commands.set(label, command.join(" "));
  const log = `${bench.folder}/${label.replaceAll(/[^\w-]/g, "_")}.${bench.ids.next()}.log`;
  const process = new Started(command, { core: bench.gatewayCore, log });
  bench.running.add(process);
  return process;
}
