/** The composition root: from a configuration to a running gateway, and from one configuration to the next. */
import type { Authenticator } from "./auth/authenticator.ts";
import { sameSettings } from "./base/same_settings.ts";
import type { Config, ProcessConfig, ServerConfig } from "./config/mod.ts";
import { GatewayError, StoppingError } from "./core/errors.ts";
import { background, bus, type Sink } from "./core/events.ts";
import { stdio } from "./frontends/stdio.ts";
import { oldestFirst, type OpenCallReport, type OverallHealth, overallHealth } from "./health_report.ts";
import type { Listener } from "./listener/listener.ts";
import type { Endpoint } from "./mounts.ts";
import { Network } from "./network.ts";
import { atRest } from "./observe/at_rest.ts";
import type { TrialReport } from "./observe/trial.ts";
import type { Runtime } from "./overrides/runtime.ts";
import type { AuthNews } from "./policies/auth_news.ts";
import { isOnNetwork, ServedServer } from "./served_server.ts";
import { type Plan, type ServerChanges, ServerSet } from "./server_set.ts";
import type { CertificateReport } from "./tls/certificate.ts";
import type { TlsSource } from "./tls_source.ts";
import { collectGarbage } from "./wire/collect_garbage.ts";

/** An audit log, as far as it has a say in what is served; that it hears of all that happens is the business of `sinks`. */
export interface Recording {
  /** Why nothing new may begin for the moment, or undefined. */
  readonly refusal: () => GatewayError | undefined;
  /** Hears what tools are called with, where somebody wants that. */
  readonly recordArguments?: Sink | undefined;
}

interface AppOptions {
  readonly version: string;
  readonly sinks: readonly Sink[];
  /** What judges the credentials of callers; empty where anybody may call. */
  readonly authenticators?: readonly Authenticator[];
  /** Where the certificate is; undefined where nothing is encrypted. */
  readonly tls?: TlsSource | undefined;
  /** What remembers who did what. */
  readonly audit?: Recording | undefined;
  /** Hears of each server that was tried and cannot be started. */
  readonly onUnstartable?: (unstartable: Unstartable) => void;
}

export type { OpenCallReport, TrialReport };

/** Why a server cannot be started, and whether the gateway is to end for that. */
export interface Unstartable {
  readonly report: TrialReport;
  readonly ends: boolean;
}

/** A server as clients of the network find it. */
export interface Announced {
  readonly name: string;
  readonly label: string;
  /** The preferred one first. */
  readonly endpoints: readonly Endpoint[];
}

interface ServerReport {
  readonly status: OverallHealth["status"];
  readonly reason?: string;
  readonly sessions: number;
}

/** What a new configuration has changed. */
export interface ConfigChanges extends ServerChanges {
  /** What takes effect at the next start alone: sections of the process, and servers on stdin. */
  readonly later: readonly string[];
}

/** Of the process: what each request meets anew. All else is made at the start. */
const LIVE: ReadonlySet<string> = new Set<keyof ProcessConfig>(["origins"]);

export class App {
  /** Settles when the client on stdin and stdout is done; never without one. */
  readonly finished: Promise<void>;
  /** Rejects when the gateway can do its work no longer. */
  readonly failed: Promise<never>;
  readonly #options: AppOptions;
  /** Tells all observers. */
  readonly emit: Sink;
  readonly #network: Network | undefined;
  readonly #servers: ServerSet;
  #config: Config;
  /** The servers that are on their way out. */
  readonly #leaving = new Map<ServedServer, Promise<void>>();
  #timeoutMs: number;
  #stopping = false;

  /** Throws ConfigError for what is wrong with the configuration on this machine; nothing is left running then. */
  constructor(config: Config, options: AppOptions) {
    const { process } = config;
    const { version, sinks } = options;
    this.#config = config;
    this.#options = options;
    this.#timeoutMs = process.lifetime.shutdownTimeoutMs;
    const heard = [atRest(collectGarbage), ...sinks];
    const toServers: Sink = (event) => this.#servers.all.forEach(({ health }) => health.sink(event));
    this.emit = bus([toServers, ...heard]);
    const common = { version, log: process.log, sinks: heard, auth: this.#authNews(), ...options.audit };
    this.#servers = new ServerSet((server, own) => new ServedServer(server, { ...common, ...own }));
    const plan = this.#servers.plan(config.servers);
    this.#servers.adopt(plan);
    this.#network = this.#listen(process, plan);
    for (const server of plan.fresh) this.#start(server);
    this.emit({ type: "gateway.started", urls: this.urls });
    this.failed = failureOf(this.#network?.listener);
    this.finished = serveStdio(this.#servers.all, this.#timeoutMs).then((complete) => {
      // The time for open requests has passed, and is not granted twice.
      if (!complete) this.#timeoutMs = 0;
    });
  }

  /** Of all servers. */
  get urls(): string[] {
    return this.announced.flatMap(({ endpoints }) => endpoints.map(({ url }) => url));
  }

  /** What clients of the network can use. */
  get announced(): Announced[] {
    return [...this.#servers.byName].map(([name, server]) => ({
      name,
      label: server.config.server.label,
      endpoints: this.#network?.endpointsOf(server) ?? [],
    }));
  }

  /** What is bound, where the endpoints do not show it. */
  get bound(): string | undefined {
    return this.#network?.bound;
  }

  /** Where plain HTTP is answered with where HTTPS is. */
  get redirects(): string | undefined {
    return this.#network?.redirects;
  }

  /** The one that is served. */
  get certificate(): (CertificateReport & { readonly selfSigned: boolean }) | undefined {
    const { report, isSelfSigned = false } = this.#network?.tls ?? {};
    return report && { ...report, selfSigned: isSelfSigned };
  }

  /** Since when, by `performance.now()`, nobody has been connected; undefined while somebody is. */
  get idleSince(): number | undefined {
    return latest(this.#servers.all.map(({ idleSince }) => idleSince));
  }

  /** Of all servers together. */
  get health(): OverallHealth {
    return overallHealth(this.#servers.byName);
  }

  /** How each of them fares, by its name. */
  get reports(): ReadonlyMap<string, ServerReport> {
    return new Map([...this.#servers.byName].map(([name, { health, runtime }]) => {
      const { status, reason } = health.report();
      return [name, { status, ...reason !== undefined && { reason }, sessions: runtime.sessions().length }];
    }));
  }

  /** Every call that waits for its answer, oldest first: what may be shown to who runs the gateway. */
  openCalls(): OpenCallReport[] {
    return oldestFirst(this.#servers.all.flatMap((server) => server.openCalls()));
  }

  /** What may be done to each server while it is served, by its name. */
  get runtimes(): ReadonlyMap<string, Runtime> {
    return new Map([...this.#servers.byName].map(([name, { runtime }]) => [name, runtime]));
  }

  /**
   * Goes over to another configuration: what is new is opened, then it takes the place of what is gone. Throws ConfigError
   * for what is wrong with it on this machine, and then nothing has changed; StoppingError once it stops.
   */
  apply(config: Config): ConfigChanges {
    if (this.#stopping) throw new StoppingError();
    const { origins } = config.process;
    const unserved = [...config.servers].filter(([name, server]) => this.#cannotServe(name, server));
    const names = unserved.map(([name]) => name);
    const plan = this.#servers.plan(new Map([...config.servers].filter(([name]) => !names.includes(name))));
    for (const server of plan.fresh) this.#start(server);
    this.#servers.adopt(plan);
    this.#network?.serve(origins, plan.servers);
    // Who renews a certificate may ask for this by SIGHUP.
    this.#network?.tls?.look();
    for (const server of plan.gone) this.#end(server);
    const changes = { ...plan.changes, later: [...this.#laterOf(config, plan), ...names] };
    this.#config = { ...config, process: { ...this.#config.process, origins } };
    this.emit({ type: "config.applied", ...changes });
    return changes;
  }

  /** Orderly: refuses new work, lets open requests finish, stops all children. */
  async stop(reason: string): Promise<void> {
    this.#stopping = true;
    const stopped = this.#servers.all.map((server) => server.stop({ reason, timeoutMs: this.#timeoutMs }));
    const outcomes = await Promise.allSettled([...stopped, ...this.#leaving.values()]);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") this.emit({ type: "fault", where: "stop", error: outcome.reason });
    }
    await this.#network?.close();
    this.emit({ type: "gateway.stopped" });
  }

  /** At once: every child and its group gets SIGKILL, and what was only counted so far is told. */
  kill(): void {
    this.#network?.kill();
    for (const server of [...this.#servers.all, ...this.#leaving.keys()]) server.kill();
  }

  #authNews(): AuthNews | undefined {
    const kinds = (this.#options.authenticators ?? []).map(({ kind }) => kind);
    return kinds.length === 0 ? undefined : { kinds, required: !this.#config.process.auth.authOptional };
  }

  /** Nothing listens where clients come by stdio alone. */
  #listen(process: ProcessConfig, { servers, fresh }: Plan): Network | undefined {
    if (!fresh.some(({ config }) => isOnNetwork(config))) return undefined;
    const { version, authenticators = [], audit, tls } = this.#options;
    try {
      return new Network(process, servers, { version, authenticators, audit, tls, emit: this.emit });
    } catch (error) {
      for (const server of fresh) server.discard();
      throw error;
    }
  }

  /** Who is new and comes by stdin has nobody on it, and where nothing listens nobody comes by the network. */
  #cannotServe(name: string, config: ServerConfig): boolean {
    if (this.#servers.byName.has(name)) return false;
    return config.transports.includes("stdio") || (!this.#network && isOnNetwork(config));
  }

  #start(server: ServedServer): void {
    server.start();
    const tried = server.tryOut().then((report) => {
      if (report) this.#options.onUnstartable?.({ report, ends: server.config.exitOnFailure });
    });
    background(tried, "trial of a server", this.emit);
  }

  #end(server: ServedServer): void {
    const left = server.stop({ reason: "another configuration", timeoutMs: this.#timeoutMs, alone: true })
      .finally(() => {
        this.#leaving.delete(server);
        this.#network?.forget(server);
      });
    this.#leaving.set(server, left);
    background(left, "end of a server", this.emit);
  }

  #laterOf({ process }: Config, { later }: Plan): string[] {
    const before = new Map<string, unknown>(Object.entries(this.#config.process));
    const sections = Object.entries(process).filter(([name, settings]) =>
      !LIVE.has(name) && !sameSettings(settings, before.get(name))
    );
    return [...sections.map(([name]) => name), ...later];
  }
}

/** Undefined while one of them is undefined. */
function latest(times: readonly (number | undefined)[]): number | undefined {
  return times.includes(undefined) ? undefined : Math.max(...times.map(Number));
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
