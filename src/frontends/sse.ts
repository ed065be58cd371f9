/** MCP's HTTP+SSE transport of 2024-11-05: one GET stream down, POSTs up. */
import type { Accept, Peer } from "../core/backend.ts";
import type { Backlog } from "../core/backlog.ts";
import type { Caller } from "../core/caller.ts";
import { type BufferLimits, type Channel, enqueue, type Envelope } from "../core/channel.ts";
import { DisconnectedError, RequestError } from "../core/errors.ts";
import { Queue } from "../base/queue.ts";
import type { Accounts } from "../core/unread.ts";
import { lastPart, routeOf, withoutSlash } from "../wire/request_path.ts";
import { encodeEvent, encodeMessage } from "../wire/sse.ts";
import { EventStream } from "./event_stream.ts";
import type { Frontend, Owns } from "./frontend.ts";
import { methodNotAllowed } from "./http_checks.ts";
import { type Posted, posting, type ReceiveOptions, refuseFull } from "./posted.ts";
import { type NamedSession, SessionDirectory } from "./session_directory.ts";

/** The limits are those of what a client sent and the server has not read. */
export interface SseOptions extends ReceiveOptions, BufferLimits {
  readonly accept: Accept;
  /** What clients put before the paths: empty, a URL or a path, without a slash at its end. */
  readonly publicBase: (request: Request, caller: Caller) => string;
  readonly keepAliveMs: number;
  readonly unread: Accounts;
}

interface SseRoutes {
  /** GET: opens the stream and the session that lives as long as it. */
  connect(request: Request, caller: Caller): Promise<Response>;
  /** POST: messages of the session that `?sessionId=` names, or the last part of the path. */
  message(request: Request, caller: Caller): Promise<Response>;
  /** Whether a POST is for one of these sessions. */
  readonly owns: Owns;
}

/** Below them clients name their sessions themselves. */
interface SsePaths {
  readonly ssePath: string;
  readonly messagePath: string;
}

export const sseFrontend = {
  name: "sse",
  wire: "sse",
  httpPaths: ["ssePath", "messagePath"],
  serve(options) {
    const at = sse(options);
    const below = "{session}";
    return (paths) => {
      const { connect, message, owns } = at(paths);
      const { ssePath, messagePath } = paths;
      return [{ path: ssePath, http: connect, below }, { path: messagePath, http: message, below, owns }];
    };
  },
  endpoint: ({ ssePath }, base) => ({ label: "SSE", type: "sse", url: base + ssePath }),
} as const satisfies Frontend<SseOptions, SsePaths>;

export function sse(options: SseOptions): (paths: SsePaths) => SseRoutes {
  const sessions = new SessionDirectory<SseSession>();
  return (paths) => routesAt(paths, sessions, options);
}

function routesAt(
  { ssePath, messagePath }: SsePaths,
  sessions: SessionDirectory<SseSession>,
  options: SseOptions,
): SseRoutes {
  function idIn(request: Request): string | null {
    return partBelow(messagePath, request) ?? new URL(request.url).searchParams.get("sessionId");
  }

  function sessionOf(request: Request, caller: Caller): SseSession {
    const id = idIn(request);
    if (!id) throw new RequestError("Missing sessionId parameter");
    return sessions.require(id, caller);
  }

  /** What the client calls its session; undefined where it leaves that to us. Throws RequestError for what cannot be. */
  function nameIn(request: Request): string | undefined {
    const name = partBelow(ssePath, request);
    if (name === undefined) return undefined;
    if (!NAME.test(name)) throw new RequestError(`Bad Request: the name of a session is ${NAME_RULE}`);
    // Whose it is is nobody's business.
    if (sessions.has(name)) throw taken();
    return name;
  }

  /** Throws BusyError while too much waits for its server. */
  function refuse({ incoming, backlog }: SseSession): void {
    refuseFull(incoming, options);
    backlog.refuse();
  }

  /** Before the body is read, which may be large; it may have ended when that has come. */
  function check(request: Request, caller: Caller): void {
    if (request.method !== "POST") throw methodNotAllowed(["POST"]);
    refuse(sessionOf(request, caller));
  }

  return {
    owns: (request, caller) => sessions.find(idIn(request) ?? "", caller) !== undefined,
    async connect(request, caller) {
      if (request.method !== "GET") throw methodNotAllowed(["GET"]);
      const name = nameIn(request);
      // A name that the client has chosen is its secret: in logs and events its session has another.
      const session = crypto.randomUUID();
      const id = name ?? session;
      const gone = new AbortController();
      const { principal, scopes, address, launch } = caller;
      const peer = {
        ...{ session, wire: "sse", scope: "session" } as const,
        ...{ principal, scopes, address, launch, gone },
      };
      const admission = await options.accept(peer, () => request.signal);
      // Somebody else may have been let in under that name meanwhile.
      if (sessions.has(id)) {
        admission.withdraw();
        throw taken();
      }
      const opened: SseSession = new SseSession({
        ...{ id, peer, caller, gone, keepAliveMs: options.keepAliveMs, unread: options.unread },
        backlog: admission.backlog,
        onEnd: () => sessions.delete(opened),
      });
      sessions.add(opened);
      void admission.run(opened);
      const route = options.publicBase(request, caller) + messagePath;
      const key = keyToRepeat(request, caller);
      const path = name === undefined ? `?sessionId=${id}${key && `&${key}`}` : `/${id}${key && `?${key}`}`;
      return opened.start(route + path);
    },
    message: posting({ ...options, check }, async (posted, request, caller) => {
      const session = sessionOf(request, caller);
      refuse(session);
      await session.receive(posted);
      return new Response("Accepted", { status: 202 });
    }),
  };
}

/** Who came by a key in the URL can send none otherwise, and posts to where it is told. */
function keyToRepeat({ url }: Request, { principal }: Caller): string {
  const key = principal && url.includes("api_key=") ? URL.parse(url)?.searchParams.get("api_key") : undefined;
  return key ? `api_key=${encodeURIComponent(key)}` : "";
}

/** As it stands in a path, and in a log of whoever is in front. */
const NAME = /^[\w.~-]{1,128}$/;
const NAME_RULE = "up to 128 letters, digits, and any of - . _ ~";

function taken(): RequestError {
  return new RequestError("Conflict: a session of this name is open", { status: 409 });
}

/** The last part of a path below this one. */
function partBelow(path: string, request: Request): string | undefined {
  const [parent, part] = lastPart(routeOf(request));
  return parent === withoutSlash(path) ? part : undefined;
}

interface SseContext {
  readonly id: string;
  readonly peer: Peer;
  readonly caller: Caller;
  readonly keepAliveMs: number;
  readonly unread: Accounts;
  /** What waits for its server. */
  readonly backlog: Backlog;
  /** What the peer's `gone` belongs to. */
  readonly gone: AbortController;
  /** Called as soon as the session can no longer be spoken to: its server may take a while to stop. */
  readonly onEnd: () => void;
}

class SseSession implements Channel, NamedSession {
  readonly incoming = new Queue<Envelope>();
  readonly id: string;
  readonly peer: Peer;
  readonly backlog: Backlog;
  readonly #stream: EventStream;
  readonly #context: SseContext;

  constructor(context: SseContext) {
    const { id, peer, caller, keepAliveMs, unread } = context;
    const { session } = peer;
    this.#context = context;
    this.id = id;
    this.peer = peer;
    this.backlog = context.backlog;
    this.incoming.countIn(this.backlog);
    this.#stream = new EventStream({ session, caller, keepAliveMs, unread, onGone: () => this.#gone() });
  }

  start(endpoint: string): Response {
    void this.#stream.send(encodeEvent({ event: "endpoint", data: endpoint }));
    return this.#stream.response();
  }

  /** Settles when the server has room for more. */
  receive({ messages, weight, body }: Posted): Promise<void> | void {
    let room: Promise<void> | void = undefined;
    for (const envelope of messages) room = enqueue(this.incoming, envelope, weight);
    body.release();
    return room;
  }

  send(envelope: Envelope): Promise<void> | void {
    if (!this.#stream.isOpen) throw new DisconnectedError("The client closed its event stream");
    return this.#stream.send(encodeMessage(envelope));
  }

  close(): Promise<void> {
    this.#context.onEnd();
    this.#stream.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.incoming.end();
    return this.close();
  }

  #gone(): void {
    this.#context.onEnd();
    const error = new DisconnectedError("The client closed its event stream");
    this.incoming.fail(error);
    this.#context.gone.abort(error);
  }
}
