/** The admin endpoint of a gateway that is served here: what it hears of, and what it can do. */
import type { AdminEndpoint, AdminTarget, ConfigChanged, GatewayStatus } from "../admin/mod.ts";
import type { App } from "../app.ts";
import { type ConfigPatch, nameOfPath, pathsIn, type ProcessConfig } from "../config/mod.ts";
import { BusyError } from "../core/errors.ts";
import { bus, type Sink } from "../core/events.ts";
import { tally } from "../observe/tally.ts";
import { removeIfPresent, writePrivately } from "../files/private_file.ts";
import { StateFolder } from "../state/mod.ts";
import type { Version } from "../overrides/versioned.ts";
import type { Reloaded, Reloader } from "./reload.ts";
import type { Source } from "./loading.ts";
import type { Kept } from "./kept.ts";

interface AdministrationOptions {
  readonly version: string;
  readonly log: Sink;
  readonly kept?: Kept | undefined;
}

/** Undefined where nobody wants one. Throws ConfigError for a port that cannot be had. */
export async function openAdministration(
  process: ProcessConfig,
  options: AdministrationOptions,
): Promise<Administration | undefined> {
  const { kept } = options;
  const { adminPort = kept && 0 } = process.admin;
  if (adminPort === undefined) return undefined;
  const { makeToken, runtimeRoutes, serveAdmin } = await import("../admin/mod.ts");
  const folder = kept ? undefined : await StateFolder.open(process.state.stateDir);
  const pathOf = (port: number) => kept?.tokenPath ?? folder?.fileOf(`admin-${port}`, "token") ?? "";
  const token = kept?.token ?? makeToken();
  const administration = new Administration(options);
  const endpoint = serveAdmin(administration, {
    ...{ port: adminPort, token, emit: bus([options.log, administration.hear]) },
    tokenFile: pathOf,
    mounts: { "/runtime": runtimeRoutes(() => administration.app.runtimes) },
  });
  const path = pathOf(endpoint.port);
  administration.endpoint = endpoint;
  if (!kept) await administration.publish(path, token);
  return administration;
}

interface Attached {
  readonly reloader: Reloader;
  readonly source: Source;
}

function starting(): BusyError {
  return new BusyError("The gateway is starting");
}

/** Outlives the app: who asked for the stop may look on. */
export class Administration implements AdminTarget, AsyncDisposable {
  /** Settles when somebody wants the gateway to stop. */
  readonly stopRequested: Promise<string>;
  endpoint: AdminEndpoint | undefined;
  /** Only where there is a configuration that can be read anew. */
  reload?: () => Promise<Reloaded>;
  readonly #stop = Promise.withResolvers<string>();
  readonly #options: AdministrationOptions;
  readonly #tally = tally();
  readonly #listeners = new Set<Sink>();
  readonly #startedAt = new Date();
  #app: App | undefined;
  #attached: Attached | undefined;
  #tokenFile: string | undefined;

  constructor(options: AdministrationOptions) {
    this.#options = options;
    this.stopRequested = this.#stop.promise;
  }

  /** To be told every event of the gateway. */
  readonly hear: Sink = (event) => {
    this.#tally.sink(event);
    for (const listener of this.#listeners) listener(event);
  };

  attach(app: App, { reloader, source }: Attached): void {
    this.#app = app;
    this.#attached = { reloader, source };
    if (source.files.length > 0) this.reload = () => reloader.reload();
  }

  async config(): Promise<Version<object>> {
    const { reloader: { etag }, source } = this.#configuration;
    const { sections, servers } = await source.effective();
    return { value: { ...sections, servers }, etag };
  }

  async changeConfig(change: ConfigPatch, ifMatch?: string): Promise<ConfigChanged> {
    const { reloader } = this.#configuration;
    const outcome = await reloader.change(change, ifMatch);
    return { outcome, names: pathsIn(change).map(nameOfPath), etag: reloader.etag };
  }

  /** Writes the token where its owner alone can read it. */
  async publish(path: string, token: string): Promise<void> {
    await writePrivately(path, `${token}\n`);
    this.#tokenFile = path;
    this.#options.log({ type: "admin.started", url: this.endpoint?.url ?? "", file: path });
  }

  /** Throws BusyError while there is none. */
  get app(): App {
    if (!this.#app) throw starting();
    return this.#app;
  }

  get #configuration(): Attached {
    if (!this.#attached) throw starting();
    return this.#attached;
  }

  status(): GatewayStatus {
    const { app } = this;
    return {
      version: this.#options.version,
      pid: Deno.pid,
      startedAt: this.#startedAt.toISOString(),
      uptimeSeconds: Math.round((Date.now() - this.#startedAt.getTime()) / 1_000),
      urls: [...app.urls],
      openRequests: app.openCalls().length,
      ...this.#tally.counts(),
      health: app.health,
      servers: Object.fromEntries(app.reports),
      ...app.certificate && { certificate: app.certificate },
    };
  }

  stop(reason: string): void {
    this.#stop.resolve(reason);
  }

  subscribe(sink: Sink): () => void {
    this.#listeners.add(sink);
    return () => void this.#listeners.delete(sink);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint?.[Symbol.asyncDispose]();
    if (this.#tokenFile !== undefined) await removeIfPresent(this.#tokenFile);
  }
}
