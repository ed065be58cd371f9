/** One server for many clients: it is opened once, the handshake is played once, and each client is one more at it. */
import type { Backend, Launch } from "../../core/backend.ts";
import { Backlog } from "../../core/backlog.ts";
import type { Channel } from "../../core/channel.ts";
import { BackendError, LimitError, StoppingError } from "../../core/errors.ts";
import { background } from "../../core/events.ts";
import { until } from "../../base/waiting.ts";
import { type Hub, type HubOptions, openHub } from "./hub.ts";
import type { SharingKind } from "./shared_channel.ts";

export interface ShareOptions extends HubOptions {
  /** Names the server in events, where a session id would stand. */
  readonly label: string;
  /** Whether all clients depend on it. */
  readonly scope: "all" | "session";
  /** Whether a server that ended is opened again for the next client. */
  readonly restarts: boolean;
}

export class SharedServer implements AsyncDisposable {
  /** What all clients together have waiting for it. */
  readonly backlog: Backlog;
  readonly #backend: Backend;
  readonly #options: ShareOptions;
  readonly #backends: Readonly<Record<SharingKind, Backend>>;
  readonly #stopping = new AbortController();
  #current: Promise<Hub> | undefined;
  /** A client has asked for it. */
  #wanted = false;
  #giving = new AbortController();
  #hub: Hub | undefined;
  /** Set when the server ended, and is not to be opened again. */
  #over: BackendError | undefined;

  constructor(backend: Backend, options: ShareOptions) {
    this.#backend = backend;
    this.#options = options;
    this.backlog = new Backlog(options.maxBufferedBytes);
    this.#backends = { session: this.#facade("session"), request: this.#facade("request") };
  }

  /** Milliseconds for which it has had no client; undefined while it has one, or does not run. */
  get idleMs(): number | undefined {
    return this.#hub?.idleMs;
  }

  /** As a Backend, whose every `open` is one client more. Its dispose leaves the server to the others. */
  backendFor(kind: SharingKind): Backend {
    return this.#backends[kind];
  }

  #facade(kind: SharingKind): Backend {
    return {
      name: this.#backend.name,
      open: (_launch, signal) => this.join(kind, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  /** Starts the server if it does not run. Throws BackendError when that fails; `signal` ends the waiting alone. */
  async join(kind: SharingKind, signal: AbortSignal): Promise<Channel> {
    signal.throwIfAborted();
    this.#wanted = true;
    const hub = this.#hub ?? await until(signal, this.start());
    return hub.join(kind);
  }

  /** Settles when the server is there. */
  start(): Promise<Hub> {
    if (this.#over) return Promise.reject(this.#over);
    if (this.#current) return this.#current;
    const starting = this.#current = this.#open();
    // A server that ended or never started is forgotten, so the next client gets a new one.
    const watched = starting.then((hub) => this.#watch(hub), () => this.#forget(starting));
    background(watched, "shared server", this.#options.emit);
    return starting;
  }

  /** Stops the server; the next client starts it again. In good order: a remote is told that its session is over. */
  async stop(): Promise<void> {
    const hub = await this.#current?.catch(() => undefined);
    // Not known any more: its end is no news then.
    this.#current = this.#hub = undefined;
    await hub?.[Symbol.asyncDispose]();
  }

  /** Stops one that was started for nobody yet, for somebody who needs its place; false where there is none. */
  giveUp(): boolean {
    if (this.#wanted || !this.#current) return false;
    this.#giving.abort(new LimitError("The server had to make room before anybody has used it"));
    this.#giving = new AbortController();
    background(this.stop(), "shared server", this.#options.emit);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new StoppingError());
    await this.stop();
    await this.#backend[Symbol.asyncDispose]();
  }

  async #open(): Promise<Hub> {
    const { label } = this.#options;
    const launch: Launch = { session: label, args: [], env: {}, headers: {}, backlog: this.backlog };
    // Not the signal of the client that happens to come first: others wait for the same server.
    return this.#hub = await openHub(this.#backend, launch, {
      ...this.#options,
      signal: AbortSignal.any([this.#stopping.signal, this.#giving.signal]),
    });
  }

  async #watch(hub: Hub): Promise<void> {
    const reason = await hub.ended;
    if (this.#hub === hub && !this.#options.restarts) this.#retire(reason);
    if (this.#hub === hub) this.#hub = this.#current = undefined;
    await hub[Symbol.asyncDispose]();
  }

  #forget(starting: Promise<Hub>): void {
    if (this.#current === starting) this.#current = undefined;
  }

  #retire(reason: Error): void {
    const { label, scope, emit } = this.#options;
    const text = `${reason.message}, and is not started again (--restart never)`;
    this.#over = new BackendError(text, { permanent: true, cause: reason });
    emit({ type: "server.failed", session: label, server: this.#backend.name, scope, reason: text });
  }
}
