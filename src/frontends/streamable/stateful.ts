/** Streamable HTTP with sessions: a client names its session with each POST, GET and DELETE. */
import type { Accept, Admission } from "../../core/backend.ts";
import type { Caller } from "../../core/caller.ts";
import { isDiscover, UNDISCOVERED } from "../../core/mcp/eras.ts";
import { alreadyInitialized, RequestError } from "../../core/errors.ts";
import { isHandshake } from "../../core/mcp/messages.ts";
import { errorOf } from "../../core/message/jsonrpc.ts";
import { EVENT_STREAM } from "../../wire/sse.ts";
import { acceptCheck, postAcceptCheck } from "./accept.ts";
import type { AsyncHandler, Owns } from "../frontend.ts";
import { methodNotAllowed, requireServed, requireVersion, versionOf } from "../http_checks.ts";
import { type Posted, posting, type ReceiveOptions } from "../posted.ts";
import { SessionDirectory } from "../session_directory.ts";
import { silenceLimit } from "./exchange.ts";
import { isModernPost, modernPosts } from "./modern_post.ts";
import { SessionGroup, type SessionSettings } from "./session_group.ts";
import { SESSION_HEADER } from "./session_streams.ts";
import { StreamableSession } from "./streamable_session.ts";

/** To look costs a connection the runtime's help with its next request. To start a server mostly takes longer. */
const WATCHED_AFTER_MS = 100;
const requireGetAccept = acceptCheck([EVENT_STREAM]);

export interface StatefulOptions extends SessionSettings, ReceiveOptions {
  readonly accept: Accept;
}

/** A handler that knows its sessions. */
export type SessionHandler = AsyncHandler & { readonly owns: Owns };

export function stateful(options: StatefulOptions): SessionHandler {
  const sessions = new SessionDirectory<StreamableSession>();
  const requirePostAccept = postAcceptCheck(options.replyMode);

  // Not cleared by anybody: when nothing waits any more, its timer ends by itself.
  const modern = modernPosts(options, { ...options, silence: silenceLimit() });

  const group = new SessionGroup(options, (session) => {
    sessions.delete(session);
    if (sessions.size === 0) group.rest();
  });

  async function begin(posted: Posted, request: Request, caller: Caller): Promise<Response> {
    const session = new StreamableSession(group, caller);
    const admission = await options.accept(session.peer, () => request.signal);
    // One that began, and was refused its first message, would be left behind: nobody knows its id.
    refuseCrowded(admission);
    sessions.add(session);
    session.begin(admission.backlog);
    void admission.run(session);
    return toldOf(session, request, session.post(posted, caller));
  }

  function check(request: Request, caller: Caller): void {
    requirePostAccept(request);
    sessions.find(sessionIdOf(request), caller)?.refuseFull();
  }

  const post = posting({ ...options, check }, (posted, request, caller) => {
    const version = versionOf(request);
    if (isModernPost(posted, version)) return modern(posted, request, caller);
    requireServed(version);
    const initialize = posted.requests.some(isHandshake);
    if (sessionIdOf(request) === "") {
      if (initialize) return begin(posted, request, caller);
      const discover = posted.requests.find(isDiscover);
      if (discover) return Promise.resolve(Response.json(errorOf(discover.id, UNDISCOVERED)));
    }
    const session = sessionOf(request, caller);
    if (initialize) throw alreadyInitialized();
    return session.post(posted, caller);
  });

  function sessionOf(request: Request, caller: Caller): StreamableSession {
    const id = sessionIdOf(request);
    if (id === "") throw new RequestError(`Bad Request: ${SESSION_HEADER} header is required`);
    return sessions.require(id, caller);
  }

  async function get(request: Request, caller: Caller): Promise<Response> {
    requireGetAccept(request);
    requireVersion(request);
    const session = sessionOf(request, caller);
    const lastEventId = request.headers.get("last-event-id") ?? "";
    return lastEventId === "" ? session.listen(caller) : await session.resume(lastEventId, caller);
  }

  function end(request: Request, caller: Caller): Response {
    requireVersion(request);
    sessionOf(request, caller).end("The client ended the session");
    return new Response(null, { status: 200 });
  }

  const answer: AsyncHandler = (request, caller) => {
    if (request.method === "POST") return post(request, caller);
    if (request.method === "GET") return get(request, caller);
    if (request.method === "DELETE") return Promise.try(end, request, caller);
    return Promise.reject(methodNotAllowed(["GET", "POST", "DELETE"]));
  };
  const owns: Owns = (request, caller) => sessions.find(sessionIdOf(request), caller) !== undefined;
  return Object.assign(answer, { owns });
}

/** Empty where none is named; some clients send the field without a value before they have one. */
function sessionIdOf(request: Request): string {
  return request.headers.get(SESSION_HEADER) ?? "";
}

function refuseCrowded(admission: Admission): void {
  const refusal = admission.backlog.refusal();
  if (!refusal) return;
  admission.withdraw();
  throw refusal;
}

/**
 * Ends the session of a client that has left before there is an answer, which reaches nobody then. Who leaves while it is
 * on its way may have read it, and the signal fires in any case by then.
 */
async function toldOf(
  session: StreamableSession,
  request: Request,
  answer: Promise<Response>,
): Promise<Response> {
  using leaving = new Leaving(request);
  const response = await answer;
  if (leaving.seen) session.end("The client left before it was told of its session");
  return response;
}

/** Watches a client while it waits. */
class Leaving implements Disposable {
  readonly #timer: ReturnType<typeof setTimeout>;
  #signal: AbortSignal | undefined;

  constructor(request: Request) {
    this.#timer = setTimeout(() => this.#signal = request.signal, WATCHED_AFTER_MS);
  }

  get seen(): boolean {
    return this.#signal?.aborted === true;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
