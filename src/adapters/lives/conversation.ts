/** All that belongs to one conversation between a client and the servers that take part in it one after the other. */
import { type Backend, isAsConfigured, type Launch } from "../../core/backend.ts";
import type { Envelope } from "../../core/channel.ts";
import type { Sink } from "../../core/events.ts";
import { Queue } from "../../base/queue.ts";
import type { Retry } from "../../base/retry.ts";
import { AnswerNames } from "../answer_names.ts";
import type { Guard } from "../crash_guard.ts";
import { AskedByServer } from "./asked_by_server.ts";
import { ClientRequests } from "./client_requests.ts";
import { CurrentServer } from "./current_server.ts";
import { TrackRecord } from "./life.ts";
import { ServerNews } from "./server_news.ts";
import { type MemoryLimits, SessionMemory } from "./session_memory.ts";
import { WaitingLine } from "./waiting_line.ts";

export interface SuperviseOptions {
  readonly retry: Retry;
  /** How long a server that was opened again may take for the handshake and all that is played after it. */
  readonly replayTimeoutMs: number;
  /** Tries for the client's own handshake; those of `retry` by default. */
  readonly firstAttempts?: number;
  /** How many servers may die of, or with, the client's handshake until it hears of it; one by default. */
  readonly handshakeTries?: number;
  /** Whether a server that broke for this reason is opened again before somebody asks for it; always by default. */
  readonly reopens?: (reason: unknown) => boolean;
  /** Who decides, for one more channel, whether its server may be opened; nobody by default. */
  readonly guards?: (launch: Launch) => readonly Guard[];
  /** When it fires, no server is opened again: requests that wait for that get its reason. */
  readonly stopping?: AbortSignal;
  /** How much may wait for a server that is being opened, and be kept of requests that may have to be sent again. */
  readonly maxBufferedBytes: number;
  /** A server that was given a request has it, as a child does: its text is not kept then. False by default. */
  readonly delivers?: boolean;
  /** How much is kept to be told to a server that is opened again. */
  readonly remembers: MemoryLimits;
  /** Whether several clients speak through one channel. False by default. */
  readonly shared?: boolean;
  readonly emit: Sink;
}

export class Conversation {
  readonly options: SuperviseOptions;
  readonly backend: Backend;
  /** What the client hears. */
  readonly incoming = new Queue<Envelope>();
  readonly current = new CurrentServer();
  /** What the client says while there is no server. */
  readonly line: WaitingLine;
  /** What the client waits for, and what servers wait for. */
  readonly requests: ClientRequests;
  readonly asked = new AskedByServer();
  /** What every server has to know. */
  readonly memory: SessionMemory;
  readonly names: AnswerNames;
  readonly record: TrackRecord;
  readonly news: ServerNews;
  readonly #abort = new AbortController();

  constructor(backend: Backend, launch: Launch, options: SuperviseOptions) {
    const { session, backlog } = launch;
    const { current, signal } = this;
    const { name: server } = backend;
    const { retry, guards, shared = false, maxBufferedBytes: maxKept, remembers, emit } = options;
    this.options = options;
    this.backend = backend;
    this.line = new WaitingLine({
      connect: (how) => current.connect(how),
      connected: () => current.server !== undefined,
    });
    this.requests = new ClientRequests({ maxKept, backlog });
    this.memory = new SessionMemory(remembers);
    this.names = new AnswerNames({ shared, session, server, emit });
    this.record = new TrackRecord({ retry, guards: guards?.(launch) ?? [], signal });
    this.news = new ServerNews({ session, server, own: !isAsConfigured(launch), signal, emit });
  }

  /** Fires when the conversation is over. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Nothing is said to the client any more, and no server is opened. */
  end(reason: Error): void {
    this.#abort.abort(reason);
    this.incoming.end();
  }
}
