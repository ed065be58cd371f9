/** The live sessions: who is let in, which server answers, and the orderly end. */
import type { Accept, Backend, Peer } from "./core/backend.ts";
import type { Channel } from "./core/channel.ts";
import { type GatewayError, LimitError, StoppingError } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import { isRequest } from "./core/jsonrpc.ts";
import { compose, type MessagePolicy } from "./core/policy.ts";
import { Session } from "./core/session.ts";
import { within } from "./core/waiting.ts";

export interface GatewayOptions {
  /** A server of its own for each session. */
  readonly backend: Backend;
  /** One server for the requests that belong to no session. */
  readonly shared: Backend;
  readonly policies: readonly MessagePolicy[];
  readonly emit: Sink;
  readonly maxSessions: number;
  /** Of one session, and of all stateless callers together. */
  readonly maxOpenRequests: number;
  readonly requestTimeoutMs?: number | undefined;
}

export class Gateway implements AsyncDisposable {
  readonly #options: GatewayOptions;
  readonly #policy: MessagePolicy;
  readonly #sessions = new Set<Session>();
  readonly #running = new Set<Promise<void>>();
  readonly #count = { session: 0, request: 0 };
  #stopping = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#policy = compose([this.#refuseWhenStopping, ...options.policies]);
  }

  readonly accept: Accept = (peer) => {
    this.refuseNew();
    this.#refuseOverLimit(peer);
    return (client) => this.#run(peer, client);
  };

  /** Throws StoppingError once `stop` was called. */
  readonly refuseNew = (): void => {
    if (this.#stopping) throw new StoppingError();
  };

  /** Refuses new requests, lets open ones finish for a while, ends all sessions. Settles when all are freed. */
  async stop(options: { reason: string; timeoutMs: number }): Promise<void> {
    this.#stopping = true;
    const openRequests = [...this.#sessions].reduce((sum, session) => sum + session.openRequests, 0);
    this.#options.emit({ type: "gateway.stopping", reason: options.reason, openRequests });
    await this.#drained(options.timeoutMs);
    this.#endAll(new StoppingError());
    await Promise.all(this.#running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    this.#endAll(new StoppingError());
    await Promise.all(this.#running);
    await this.#options.shared[Symbol.asyncDispose]();
    await this.#options.backend[Symbol.asyncDispose]();
  }

  #refuseOverLimit({ scope }: Peer): void {
    const { maxSessions, maxOpenRequests } = this.#options;
    if (scope === "session" && this.#count.session >= maxSessions) {
      throw new LimitError(`Too many sessions: the limit is ${maxSessions}`);
    }
    if (scope === "request" && this.#count.request >= maxOpenRequests) {
      throw new LimitError(`Too many open requests: the limit is ${maxOpenRequests}`);
    }
  }

  async #run(peer: Peer, client: Channel): Promise<void> {
    const { emit, maxOpenRequests, requestTimeoutMs } = this.#options;
    const session = new Session(client, {
      peer,
      emit,
      maxOpenRequests,
      requestTimeoutMs,
      policy: this.#policy,
      openServer: (signal) => this.#open(peer, signal),
    });
    this.#sessions.add(session);
    this.#count[peer.scope]++;
    const running = session.run();
    this.#running.add(running);
    await running;
    this.#running.delete(running);
    this.#count[peer.scope]--;
    this.#sessions.delete(session);
  }

  async #open(peer: Peer, signal: AbortSignal): Promise<Channel> {
    // A session that was let in earlier may say its first word only now.
    this.refuseNew();
    const { backend, shared } = this.#options;
    const launch = { session: peer.session, args: [], env: {}, headers: {} };
    return await (peer.scope === "session" ? backend : shared).open(launch, signal);
  }

  /** For wires without status codes; HTTP asks `refuseNew` before it takes a request. */
  readonly #refuseWhenStopping: MessagePolicy = ({ direction, envelope }, next) => {
    if (direction === "up" && isRequest(envelope.message)) this.refuseNew();
    return next();
  };

  async #drained(timeoutMs: number): Promise<void> {
    await within(timeoutMs, Promise.all([...this.#sessions].map((session) => session.drained())));
  }

  #endAll(error: GatewayError): void {
    for (const session of this.#sessions) session.end(error);
  }
}
