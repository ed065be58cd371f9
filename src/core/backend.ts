/** What stands on both sides of a session: the server that answers, and the client that arrived. */
import type { Backlog } from "./backlog.ts";
import type { Channel } from "./channel.ts";
import type { SignalSource } from "../base/lazy_abort_controller.ts";
import type { Negotiated } from "./mcp/negotiated.ts";
import type { Era } from "./mcp/revisions.ts";

/** Values by name, each in the place of the one that is configured or inherited; null takes that away. */
export type NamedChanges = Readonly<Record<string, string | null>>;

/** What a server is started or called with beyond what is configured for it. */
export interface LaunchSettings {
  /** Behind those that are configured. */
  readonly args: readonly string[];
  readonly env: NamedChanges;
  readonly headers: NamedChanges;
}

/** As it is configured: one for all. */
export const AS_CONFIGURED: LaunchSettings = { args: [], env: {}, headers: {} };

/** Whether a server that is started with these is like any other one. */
export function isAsConfigured({ args, env, headers }: LaunchSettings): boolean {
  return args.length === 0 && Object.keys(env).length === 0 && Object.keys(headers).length === 0;
}

/** What a server is started or called with, after overrides. A remote reads the headers anew for each request. */
export interface Launch extends LaunchSettings {
  /** Whom it is started for; a label for logs. */
  readonly session: string;
  /** Whether it is opened in another way than for all, so that what becomes of it says nothing to others. */
  readonly own?: true;
  /** It is started to be asked what it is: that it ends at this is an answer, and no trouble. */
  readonly probed?: true;
  /** Counts what waits for it; whoever lets something in asks there first. */
  readonly backlog?: Backlog | undefined;
  /** Name of the principal whose client it is opened for; undefined for nobody in particular. */
  readonly owner?: string | undefined;
  /**
   * Names whose request it is, where servers are shared: of several requests of one party each may be asked what a server
   * does not say for whom it asks. Undefined where each stands for itself.
   */
  readonly party?: string | undefined;
  /** In which era it is spoken to; the one with a handshake by default. */
  readonly era?: Era | undefined;
}

/** What an MCP server answers from: a child process or a remote. */
export interface Backend extends AsyncDisposable {
  readonly name: string;
  /**
   * Throws BackendError when the server cannot be started or reached. The signal ends the opening alone; the caller
   * disposes the channel.
   */
  open(launch: Launch, signal: AbortSignal): Promise<Channel>;
}

/** Which server answers a client. */
export interface Assignment {
  /** Each `open` is a conversation with it. */
  readonly backend: Backend;
  /** What waits for it. */
  readonly backlog: Backlog;
  /** The server, where clients share it. */
  readonly shared?: SharedServing;
}

/** A server that clients share, for who wants it to be opened again. */
export interface SharedServing {
  /** Names it in events, where a session id would stand. */
  readonly label: string;
  /** What it is started or called with, where nothing else is set. */
  readonly launch: LaunchSettings;
  /** Whether it runs, or is being started. */
  readonly running: boolean;
  /** Whether it can be opened again. */
  readonly reopens: boolean;
  /**
   * Opens it again, told what the last one knew. Settles when it is there; rejects with why it is not. Undefined where it
   * does not run, or cannot be opened again.
   */
  restart(): Promise<void> | undefined;
}

/** Who a client proved to be. */
export interface Principal {
  readonly name: string;
  /** Whether what it was proved by still counts; always where there is no such question. */
  readonly holds?: () => boolean;
}

export type Wire = "streamableHttp" | "sse" | "websocket" | "stdio";

/** What is known of a client when it arrives. */
export interface Peer {
  /** Names the conversation in logs, and in HTTP headers where the wire has sessions. */
  readonly session: string;
  readonly wire: Wire;
  /** In which era its client speaks, where its wire knows that before the first message is passed on. */
  readonly era?: Era | undefined;
  /** "session": a conversation with a memory, so a server of its own. "request": one POST that stands alone. */
  readonly scope: "session" | "request";
  /** Whose it is, as the caller proved who used it last. */
  principal?: Principal | undefined;
  /** What that caller was granted. */
  readonly scopes?: readonly string[];
  /** IP address of that caller, where it is known. */
  readonly address?: string | undefined;
  /** By which kind of proof that caller is known, and what names it. */
  readonly authKind?: string | undefined;
  readonly credential?: string | undefined;
  /** What its server is started or called with; as configured by default. */
  readonly launch?: LaunchSettings | undefined;
  /**
   * Its signal fires when the client is gone for good. `incoming` tells it too, but only once what waits there has been read,
   * and a server that does not read holds that up.
   */
  readonly gone?: SignalSource;
  /**
   * Milliseconds since it was last used; undefined while a request or a stream of it is open. A client without this
   * lives as long as its connection.
   */
  readonly idleMs?: () => number | undefined;
}

/** Somebody who was let in, and which server answers. */
export interface AdmittedClient extends Assignment {
  readonly peer: Peer;
  /** What its handshake came to: undefined before that is answered, and for a request that stands alone. */
  negotiated?: Negotiated | undefined;
}

/** A place for one client, kept until it is used or given back. */
export interface Admission extends Omit<AdmittedClient, "backend"> {
  /** Runs the conversation; settles when it has ended and everything is freed. Never rejects. */
  run(client: Channel): Promise<void>;
  /** For a client that did not come after all. */
  withdraw(): void;
}

/**
 * Admits a client, now or when there is room; throws or rejects with BusyError or StoppingError before anything is
 * promised to it. `leaving` is asked for where there is a wait: its signal fires when the client does not wait any more.
 */
export type Accept = (peer: Peer, leaving?: () => AbortSignal) => Admission | Promise<Admission>;
