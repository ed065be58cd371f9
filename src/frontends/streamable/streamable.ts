/** MCP's Streamable HTTP, revisions 2025-03-26 to 2025-11-25, with sessions or without. */
import type { Accept, Admission } from "../../core/backend.ts";
import type { Caller } from "../../core/caller.ts";
import { isDiscover, UNDISCOVERED } from "../../core/mcp/eras.ts";
import { Departure } from "../../base/departure.ts";
import { alreadyInitialized, RequestError, RpcCode } from "../../core/errors.ts";
import { errorOf } from "../../core/message/jsonrpc.ts";
import { acceptCheck, EVENT_STREAM, JSON_TYPE } from "./accept.ts";
import { methodNotAllowed, requireVersion } from "../http_checks.ts";
import { isInitialize, type Posted, posting, type ReceiveOptions } from "../posted.ts";
import { type ReplyMode, silenceLimit } from "./exchange.ts";
import { SinglePost } from "./single_post.ts";
import { SessionHost, type SessionSettings } from "./session_host.ts";
import { SESSION_HEADER, StreamableSession } from "./streamable_session.ts";

/** To look costs a connection the runtime's help with its next request. To start a server mostly takes longer. */
const WATCHED_AFTER_MS = 100;
/** What a POST may be answered with (transports page, "Sending Messages to the Server"). */
const ANSWER_TYPES: Readonly<Record<ReplyMode, readonly string[]>> = {
  auto: [JSON_TYPE, EVENT_STREAM],
  json: [JSON_TYPE],
  sse: [EVENT_STREAM],
};
const requireGetAccept = acceptCheck([EVENT_STREAM]);

export interface StreamableOptions extends SessionSettings, ReceiveOptions {
  readonly accept: Accept;
  readonly stateful: boolean;
  /** Throws LimitError while too much waits for the server of stateless callers. */
  readonly refuseFull?: () => void;
}

type Handler = (request: Request, caller?: Caller) => Promise<Response>;

/** Answers every method of the MCP endpoint; refusals are thrown as GatewayError or answered with the request's id. */
export function streamable(options: StreamableOptions): Handler {
  return options.stateful ? stateful(options) : stateless(options);
}

function stateless(options: StreamableOptions): Handler {
  // Not cleared by anybody: when nothing waits any more, its timer ends by itself.
  const settings = { ...options, silence: silenceLimit() };
  const requirePostAccept = acceptCheck(ANSWER_TYPES[options.replyMode]);

  function check(request: Request): void {
    // There is no session to listen to or to end.
    if (request.method !== "POST") throw methodNotAllowed(["POST"]);
    requirePostAccept(request);
    options.refuseFull?.();
  }

  return posting({ ...options, check }, async (posted, request, caller) => {
    requireVersion(request);
    const gone = new Departure();
    const session = crypto.randomUUID();
    const admitted = options.accept({
      session,
      wire: "streamableHttp",
      scope: "request",
      gone,
    });
    // Without a wait where there is none: what was let in counts before the next one asks.
    const admission = admitted instanceof Promise ? await admitted : admitted;
    const post = new SinglePost(posted, settings, {
      ...{ session, caller, gone, backlog: admission.backlog },
    });
    void admission.run(post);
    // Not awaited here, where what was posted would be kept until the answer.
    return post.response;
  });
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

function stateful(options: StreamableOptions): Handler {
  const sessions = new Map<string, StreamableSession>();
  const requirePostAccept = acceptCheck(ANSWER_TYPES[options.replyMode]);

  const host = new SessionHost(options, ({ id }) => {
    sessions.delete(id);
    if (sessions.size === 0) host.rest();
  });

  async function begin(posted: Posted, request: Request, caller: Caller | undefined): Promise<Response> {
    const session = new StreamableSession(host);
    const admission = await options.accept(session.peer, () => request.signal);
    // One that began, and was refused its first message, would be left behind: nobody knows its id.
    refuseCrowded(admission);
    sessions.set(session.id, session);
    session.begin(admission.backlog);
    void admission.run(session);
    return toldOf(session, request, session.post(posted, caller));
  }

  function check(request: Request): void {
    requirePostAccept(request);
    sessions.get(sessionOf(request))?.refuseFull();
  }

  const post = posting({ ...options, check }, (posted, request, caller) => {
    requireVersion(request);
    const initialize = posted.requests.some(isInitialize);
    if (sessionOf(request) === "") {
      if (initialize) return begin(posted, request, caller);
      const discover = posted.requests.find(isDiscover);
      if (discover) return Promise.resolve(Response.json(errorOf(discover.id, UNDISCOVERED)));
    }
    const session = named(request);
    if (initialize) throw alreadyInitialized();
    return session.post(posted, caller);
  });

  function named(request: Request): StreamableSession {
    const id = sessionOf(request);
    if (id === "") throw new RequestError(`Bad Request: ${SESSION_HEADER} header is required`);
    const session = sessions.get(id);
    if (session) return session;
    throw new RequestError("Session not found", { status: 404, code: RpcCode.sessionNotFound });
  }

  async function get(request: Request, caller: Caller | undefined): Promise<Response> {
    requireGetAccept(request);
    requireVersion(request);
    const session = named(request);
    const lastEventId = request.headers.get("last-event-id") ?? "";
    return lastEventId === "" ? session.listen(caller) : await session.resume(lastEventId, caller);
  }

  function end(request: Request): Response {
    requireVersion(request);
    named(request).end("The client ended the session");
    return new Response(null, { status: 200 });
  }

  return (request, caller) => {
    if (request.method === "POST") return post(request, caller);
    if (request.method === "GET") return get(request, caller);
    if (request.method === "DELETE") return Promise.try(end, request);
    return Promise.reject(methodNotAllowed(["GET", "POST", "DELETE"]));
  };
}

/** Empty where none is named; some clients send the field without a value before they have one. */
function sessionOf(request: Request): string {
  return request.headers.get(SESSION_HEADER) ?? "";
}
