/** Servers opened ahead, so that whoever comes finds one ready. */
import type { Backend, Launch } from "../core/backend.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { GatewayError, LimitError, StoppingError } from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import { pause, pauseBefore, type Retry } from "../base/retry.ts";
import type { CrashGuard } from "./crash_guard.ts";

export interface PrewarmOptions {
  /** How many servers are ready or being opened. */
  readonly count: number;
  /** Opens those: it must not wait for a place that somebody else may want. */
  readonly warm: Backend;
  /** Pauses after a server that ended while it waited, or could not be opened. */
  readonly retry: Pick<Retry, "firstDelayMs" | "maxDelayMs">;
  readonly guard: CrashGuard;
  /** Called when the server that was opened under this label is handed to a session. */
  readonly onAssigned?: (label: string, session: string) => void;
  readonly emit: Sink;
}

export interface PrewarmedBackend extends Backend {
  /** Settles when the very first server is ready; rejects with why it is not. */
  readonly first: Promise<void>;
  /** Stops a server that waits, for somebody who needs its place; false when there is none. */
  giveUpOne(): boolean;
}

/** `open` hands out a server that is ready, else it opens one. */
export function prewarm(cold: Backend, options: PrewarmOptions): PrewarmedBackend {
  const shelf = new Shelf(options);
  return {
    name: cold.name,
    first: shelf.first,
    giveUpOne: () => shelf.giveUpOne(),
    open(launch, signal) {
      const ready = isPlain(launch) ? shelf.take(launch.session) : undefined;
      return ready ? Promise.resolve(ready) : cold.open(launch, signal);
    },
    async [Symbol.asyncDispose]() {
      await shelf[Symbol.asyncDispose]();
      await cold[Symbol.asyncDispose]();
    },
  };
}

/** What was opened ahead knows nothing of anybody's arguments. */
function isPlain({ args, env, headers }: Launch): boolean {
  return args.length === 0 && Object.keys(env).length === 0 && Object.keys(headers).length === 0;
}

/** Names them in events, with their number. */
const WARM = "warm-";
export const FIRST_WARM = `${WARM}1`;

/** How many messages a server may say unasked before it is given up. */
const MAX_AHEAD = 1_000;

interface Ready {
  readonly label: string;
  readonly channel: Channel;
  readonly messages: AsyncIterator<Envelope>;
  /** Read ahead, so that its end is known and nothing is lost that it says before it has a client. */
  readonly ahead: Envelope[];
  /** The message that is waited for. */
  next: Promise<IteratorResult<Envelope>>;
  readonly since: number;
}

class Shelf implements AsyncDisposable {
  readonly #options: PrewarmOptions;
  readonly #abort = new AbortController();
  /** Oldest first. */
  readonly #ready = new Set<Ready>();
  readonly #busy = new Set<Promise<void>>();
  readonly #first = Promise.withResolvers<void>();
  #opening = 0;
  #opened = 0;
  /** How often in a row it went wrong. */
  #failures = 0;

  constructor(options: PrewarmOptions) {
    this.#options = options;
    // Not everybody wants to know.
    this.#first.promise.catch(() => {});
    this.#refill();
  }

  get first(): Promise<void> {
    return this.#first.promise;
  }

  take(session: string): Channel | undefined {
    const [ready] = this.#ready;
    if (!ready) return undefined;
    this.#ready.delete(ready);
    this.#failures = 0;
    this.#options.onAssigned?.(ready.label, session);
    this.#options.emit({ type: "child.assigned", session, warm: ready.label });
    this.#refill();
    return handedOut(ready);
  }

  giveUpOne(): boolean {
    const [ready] = this.#ready;
    if (!ready) return false;
    this.#ready.delete(ready);
    this.#run(ready.channel[Symbol.asyncDispose]().then(() => this.#refill()));
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new StoppingError());
    const disposing = [...this.#ready].map(({ channel }) => channel[Symbol.asyncDispose]());
    await Promise.all([...disposing, ...this.#busy]);
  }

  #refill(): void {
    while (!this.#abort.signal.aborted && this.#ready.size + this.#opening < this.#options.count) {
      this.#opening++;
      this.#run(this.#openOne());
    }
  }

  #run(work: Promise<void>): void {
    this.#busy.add(work);
    background(work.finally(() => this.#busy.delete(work)), "warm servers", this.#options.emit);
  }

  async #openOne(): Promise<void> {
    try {
      await this.#pause();
      await this.#shelve(`${WARM}${++this.#opened}`);
      this.#first.resolve();
    } catch (error) {
      // Why is told by whoever failed; here it is a reason to wait.
      this.#failures++;
      this.#first.reject(error);
    }
    this.#opening--;
    this.#refill();
  }

  async #pause(): Promise<void> {
    const { signal } = this.#abort;
    // Attempts have no end here: the pauses grow to their longest, and stay there.
    const retry = { attempts: Infinity, ...this.#options.retry };
    if (this.#failures > 0) await pause(pauseBefore(this.#failures, retry), signal);
  }

  async #shelve(label: string): Promise<void> {
    const { warm, guard } = this.#options;
    const { signal } = this.#abort;
    guard.admit();
    const channel = await this.#open(warm, label, guard);
    if (signal.aborted) return await channel[Symbol.asyncDispose]();
    const messages = channel.incoming[Symbol.asyncIterator]();
    const since = performance.now();
    const ready: Ready = { label, channel, messages, ahead: [], next: messages.next(), since };
    this.#ready.add(ready);
    // Not awaited by our dispose: the server may belong to a session by then.
    background(this.#watch(ready), "warm servers", this.#options.emit);
  }

  async #open(warm: Backend, label: string, guard: CrashGuard): Promise<Channel> {
    try {
      const launch = { session: label, args: [], env: {}, headers: {} };
      return await warm.open(launch, this.#abort.signal);
    } catch (error) {
      if (!(error instanceof LimitError)) {
        guard.ended({ reason: messageOf(error), provoked: false, livedMs: 0 });
      }
      throw error;
    }
  }

  /** Replaces a server that ends while it waits. */
  async #watch(ready: Ready): Promise<void> {
    const reason = await this.#readAhead(ready);
    if (reason === undefined || !this.#ready.delete(ready)) return;
    await ready.channel[Symbol.asyncDispose]();
    if (this.#abort.signal.aborted) return;
    const livedMs = performance.now() - ready.since;
    this.#options.guard.ended({ reason, provoked: false, livedMs });
    this.#failures++;
    this.#refill();
  }

  /** Why the server ended, or undefined when it was handed out. */
  async #readAhead(ready: Ready): Promise<string | undefined> {
    try {
      while (ready.ahead.length < MAX_AHEAD) {
        const { value, done } = await ready.next;
        if (!this.#ready.has(ready)) return undefined;
        if (done) return "The MCP server closed the connection";
        ready.ahead.push(value);
        ready.next = ready.messages.next();
      }
      return "The MCP server talks without end";
    } catch (error) {
      return messageOf(error);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof GatewayError ? error.message : "The MCP server failed";
}

/** The channel, which begins with what was read ahead. */
function handedOut({ channel, messages, ahead, next: awaited }: Ready): Channel {
  const first = [...ahead.map((value) => Promise.resolve({ value, done: false as const })), awaited];
  return {
    incoming: { [Symbol.asyncIterator]: () => ({ next: () => first.shift() ?? messages.next() }) },
    send: (envelope) => channel.send(envelope),
    close: (reason) => channel.close(reason),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  };
}
