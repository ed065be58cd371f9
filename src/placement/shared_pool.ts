/** One server for many clients: it is opened once, the handshake is played once, and each client is one more at it. */
import {
  AS_CONFIGURED,
  type Assignment,
  type Backend,
  type Launch,
  type LaunchSettings,
  type SharedServing,
} from "../core/backend.ts";
import { Backlog } from "../core/backlog.ts";
import type { Channel } from "../core/channel.ts";
import { BackendError, BusyError, StoppingError } from "../core/errors.ts";
import { background } from "../core/events.ts";
import { optionName } from "../base/option_name.ts";
import { until } from "../base/waiting.ts";
import { isSupervised } from "../adapters/supervise.ts";
import { openShared, type SharingOptions } from "../adapters/sharing/open_shared.ts";
import type { ServerForMany } from "../adapters/sharing/server_for_many.ts";
import type { SharingKind } from "../adapters/sharing/shared_client.ts";

/** Opens a server that clients can join; throws as openShared does. */
export type OpenJoinable = (
  backend: Backend,
  launch: Launch,
  options: SharingOptions & { readonly signal: AbortSignal },
) => Promise<ServerForMany>;

export interface SharedPoolOptions extends SharingOptions {
  /** How the server is opened: one with a handshake by default. */
  readonly open?: OpenJoinable | undefined;
  /** Names the server in events, where a session id would stand. */
  readonly label: string;
  /** What it is started or called with; as configured by default. */
  readonly settings?: LaunchSettings | undefined;
  /** Whether all clients depend on it. */
  readonly scope: "all" | "session";
  /** Whether a server that ended is opened again for the next client. */
  readonly restarts: boolean;
  /** Called whenever a client asks for it, where somebody has to know. */
  readonly onWanted?: (() => void) | undefined;
}

export class SharedPool implements SharedServing, AsyncDisposable {
  /** What all clients together have waiting for it. */
  readonly backlog: Backlog;
  readonly #backend: Backend;
  readonly #options: SharedPoolOptions;
  readonly #launch: Launch;
  readonly #forSession: Assignment;
  readonly #forRequest: Assignment;
  readonly #stopping = new AbortController();
  /** The server that runs or is being started, and once it is there. */
  #starting: Promise<ServerForMany> | undefined;
  #server: ServerForMany | undefined;
  /** A client has asked for it. */
  #wanted = false;
  #giving = new AbortController();
  /** Set when the server ended, and is not to be opened again. */
  #over: BackendError | undefined;

  constructor(backend: Backend, options: SharedPoolOptions) {
    const { label: session, settings = AS_CONFIGURED, maxBufferedBytes } = options;
    this.#backend = backend;
    this.#options = options;
    this.backlog = new Backlog(maxBufferedBytes);
    this.#launch = { ...settings, session, backlog: this.backlog };
    this.#forSession = this.#assignment("session");
    this.#forRequest = this.#assignment("request");
  }

  /** Milliseconds for which it has had no client; undefined while it has one, or does not run. */
  get idleMs(): number | undefined {
    return this.#server?.idleMs;
  }

  get label(): string {
    return this.#options.label;
  }

  get launch(): LaunchSettings {
    return this.#launch;
  }

  get running(): boolean {
    return this.#starting !== undefined;
  }

  get reopens(): boolean {
    return this.#options.restarts;
  }

  restart(): Promise<void> | undefined {
    if (!this.reopens) return undefined;
    return this.#server ? this.#reopen(this.#server) : this.#starting?.then((server) => this.#reopen(server));
  }

  /** What answers a client of this kind: each `open` is one client more. */
  serverFor(kind: SharingKind): Assignment {
    return kind === "session" ? this.#forSession : this.#forRequest;
  }

  /** Starts the server if it does not run. Throws BackendError when that fails; `signal` ends the waiting alone. */
  async join(kind: SharingKind, signal: AbortSignal, party?: string): Promise<Channel> {
    signal.throwIfAborted();
    this.#wanted = true;
    this.#options.onWanted?.();
    const server = this.#server ?? await until(signal, this.start());
    return server.join(kind, party);
  }

  /** Settles when the server is there. */
  start(): Promise<ServerForMany> {
    if (this.#over) return Promise.reject(this.#over);
    if (this.#starting) return this.#starting;
    const starting = this.#starting = this.#startServer();
    // A server that ended or never started is forgotten, so the next client gets a new one.
    const watched = starting.then((server) => this.#watch(server), () => this.#forget(starting));
    background(watched, "shared server", this.#options.emit);
    return starting;
  }

  /** Stops the server; the next client starts it again. */
  async stop(): Promise<void> {
    const server = await this.#starting?.catch(() => undefined);
    // Forgotten first: else its end would count as a failure where servers are not restarted.
    this.#starting = this.#server = undefined;
    await server?.[Symbol.asyncDispose]();
  }

  /** Stops one that was started for nobody yet, for somebody who needs its place; false where there is none. */
  giveUp(): boolean {
    if (this.#wanted || !this.#starting) return false;
    this.#giving.abort(new BusyError("The server had to make room before anybody has used it"));
    this.#giving = new AbortController();
    background(this.stop(), "shared server", this.#options.emit);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new StoppingError());
    await this.stop();
    await this.#backend[Symbol.asyncDispose]();
  }

  /** The dispose of such a backend leaves the server to the others. */
  #assignment(kind: SharingKind): Assignment {
    const backend: Backend = {
      name: this.#backend.name,
      open: ({ party }, signal) => this.join(kind, signal, party),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    return { backend, backlog: this.backlog, shared: this };
  }

  #reopen({ channel }: ServerForMany): Promise<void> | undefined {
    if (isSupervised(channel)) return channel.reopen(this.#launch);
    // There is no conversation that the next one would have to be told of: whoever comes next opens it.
    return this.#options.open ? this.stop() : undefined;
  }

  async #startServer(): Promise<ServerForMany> {
    // Not the signal of the client that happens to come first: others wait for the same server.
    const { open = openShared } = this.#options;
    return this.#server = await open(this.#backend, this.#launch, {
      ...this.#options,
      signal: AbortSignal.any([this.#stopping.signal, this.#giving.signal]),
    });
  }

  async #watch(server: ServerForMany): Promise<void> {
    const reason = await server.ended;
    if (this.#server === server && !this.#options.restarts) this.#retire(reason);
    if (this.#server === server) this.#server = this.#starting = undefined;
    await server[Symbol.asyncDispose]();
  }

  #forget(starting: Promise<ServerForMany>): void {
    if (this.#starting === starting) this.#starting = undefined;
  }

  #retire(reason: Error): void {
    const { label, scope, emit } = this.#options;
    const text = `${reason.message}, and is not started again (${optionName("restart")} never)`;
    this.#over = new BackendError(text, { permanent: true, cause: reason });
    emit({ type: "server.failed", session: label, server: this.#backend.name, scope, reason: text });
  }
}
