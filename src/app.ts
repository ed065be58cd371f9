/** The composition root: from a configuration to a running gateway. The only file that knows everything. */
import type { Config } from "./config/mod.ts";
import { GatewayError } from "./core/errors.ts";
import { bus, type Sink } from "./core/events.ts";
import { stdio } from "./frontends/stdio.ts";
import type { Listener } from "./listener/listener.ts";
import type { Endpoint, OpenCallReport } from "./mounts.ts";
import { serveNetwork } from "./network.ts";
import { atRest } from "./observe/at_rest.ts";
import type { TrialReport } from "./observe/trial.ts";
import { ServedServer } from "./served_server.ts";
import { close } from "./server.ts";
import { collectGarbage } from "./wire/collect_garbage.ts";

interface AppOptions {
  readonly version: string;
  readonly sinks: readonly Sink[];
}

export type { OpenCallReport, TrialReport };

/** Why a server cannot be started, and whether the gateway is to end for that. */
interface Unstartable {
  readonly report: TrialReport;
  readonly ends: boolean;
}

export interface App {
  /** What clients of the network can use, the preferred one first. */
  readonly endpoints: readonly Endpoint[];
  /** What is bound, where the endpoints do not show it. */
  readonly bound: string | undefined;
  /** Settles when the client on stdin and stdout is done; never without one. */
  readonly finished: Promise<void>;
  /** Settles with the first server that was tried and cannot be started; never while there is none. */
  readonly unstartable: Promise<Unstartable>;
  /** Rejects when the gateway can do its work no longer. */
  readonly failed: Promise<never>;
  /** Since when, by `performance.now()`, nobody has been connected; undefined while somebody is. */
  readonly idleSince: number | undefined;
  /** Every call that waits for its answer, oldest first: what may be shown to who runs the gateway. */
  openCalls(): OpenCallReport[];
  /** Orderly: refuses new work, lets open requests finish, stops all children. */
  stop(reason: string): Promise<void>;
  /** At once: every child and its group gets SIGKILL. */
  kill(): void;
}

/** Throws ConfigError for what is wrong with the configuration on this machine; nothing is left running then. */
export function startApp({ process, servers: configs }: Config, { version, sinks }: AppOptions): App {
  const heard = [atRest(collectGarbage), ...sinks];
  const options = { version, log: process.log, sinks: heard };
  const servers = new Map([...configs].map(([name, config]) => [name, new ServedServer(config, options)]));
  const all = [...servers.values()];
  const emit = bus([...all.map(({ health }) => health.sink), ...heard]);
  const openCalls = () => openCallsOf(all);
  const network = serveNetwork(process, all, { version, openCalls, emit });
  let timeoutMs = process.lifetime.shutdownTimeoutMs;
  for (const server of all) server.start();
  const { endpoints = [] } = network ?? {};
  emit({ type: "gateway.started", urls: endpoints.map(({ url }) => url) });
  return {
    endpoints,
    bound: network?.bound,
    finished: serveStdio(all, timeoutMs).then((complete) => {
      // The time for open requests has passed, and is not granted twice.
      if (!complete) timeoutMs = 0;
    }),
    unstartable: Promise.race(all.map(tryOut)),
    failed: failureOf(network?.listener),
    get idleSince() {
      return latest(all.map(({ idleSince }) => idleSince));
    },
    openCalls,
    async stop(reason) {
      await Promise.all(all.map((server) => server.stop({ reason, timeoutMs })));
      if (network) await close(network.listener);
      emit({ type: "gateway.stopped" });
    },
    kill() {
      for (const server of all) server.kill();
    },
  };
}

async function tryOut(server: ServedServer): Promise<Unstartable> {
  const report = await server.tryOut();
  return report ? { report, ends: server.config.exitOnFailure } : await new Promise(() => {});
}

/** Undefined while one of them is undefined. */
function latest(times: readonly (number | undefined)[]): number | undefined {
  return times.includes(undefined) ? undefined : Math.max(...times.map(Number));
}

function openCallsOf(servers: readonly ServedServer[]): OpenCallReport[] {
  return servers.flatMap((server) => server.openCalls()).sort((one, other) => other.seconds - one.seconds);
}

/** Without a way in, a process that lives on would only hide that. */
async function failureOf(listener: Listener | undefined): Promise<never> {
  await listener?.ended.catch((cause) => {
    throw new GatewayError(`Nobody can connect any more: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  });
  return await new Promise(() => {});
}

/** False when requests are still open after the time for them, which counts from the end of stdin. */
async function serveStdio(servers: readonly ServedServer[], shutdownTimeoutMs: number): Promise<boolean> {
  const server = servers.find(({ config }) => config.transports.includes("stdio"));
  if (!server) return await new Promise(() => {});
  const { gateway: { accept }, config: { maxBodyBytes, clientLimits } } = server;
  const inputEnded = Promise.withResolvers<void>();
  const served = stdio({
    ...{ accept, maxBodyBytes, clientLimits },
    input: Deno.stdin.readable,
    output: Deno.stdout.writable,
    onInputEnd: inputEnded.resolve,
  });
  await Promise.race([served, inputEnded.promise]);
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), shutdownTimeoutMs);
  const complete = await Promise.race([served.then(() => true), late.promise]);
  clearTimeout(timer);
  return complete;
}
