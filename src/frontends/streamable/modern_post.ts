/**
 * POSTs of 2026-07-28, on the same URL as those of the revisions before (its Streamable HTTP page): each stands alone,
 * whether or not there are sessions here for others.
 */
import type { Accept } from "../../core/backend.ts";
import type { Caller } from "../../core/caller.ts";
import { invalidRequest, RpcCode } from "../../core/errors.ts";
import { cancelledId, isLasting } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import { ToolHeaders } from "../../core/mcp/tool_headers.ts";
import { isModern } from "../../core/mcp/request_meta.ts";
import { isModernRevision } from "../../core/mcp/revisions.ts";
import { isNotification, isResponse, type JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import { LazyAbortController } from "../../base/lazy_abort_controller.ts";
import { type Ticket, TimeLimit } from "../../base/time_limit.ts";
import type { Posted } from "../posted.ts";
import type { ExchangeSettings } from "./exchange.ts";
import { type AnnotatedTools, checkModern, checkModernNotification } from "./modern_checks.ts";
import { SinglePost } from "./single_post.ts";

/** To look costs a connection the runtime's help with its next request, and most calls are answered by then. */
const WATCHED_AFTER_MS = 100;

/** Of so many tools it is remembered what their calls repeat in headers: of those that were called last. */
const MAX_TOOLS = 1_000;

/** Answers that say by their status what they are, where they are the whole response. */
const STATUS: Readonly<Record<number, number>> = {
  [RpcCode.methodNotFound]: 404,
  [RpcCode.headerMismatch]: 400,
  [RpcCode.missingCapability]: 400,
  [RpcCode.unsupportedRevision]: 400,
};

interface ModernOptions {
  readonly accept: Accept;
}

/** Whether a POST is of this revision: its body says so or, where that says nothing, its header. */
export function isModernPost({ messages, batch }: Posted, version: string | null): boolean {
  if (isModernRevision(version)) return true;
  if (!batch) return messages[0] !== undefined && isModern(messages[0].message);
  return messages.some(({ message }) => isModern(message));
}

/** Answers such a POST. Rejects with GatewayError for what it may not say. */
export function modernPosts(
  { accept }: ModernOptions,
  settings: ExchangeSettings,
): (posted: Posted, request: Request, caller: Caller) => Promise<Response> {
  // What lasts is a stream, whatever calls are answered with.
  const lasting: ExchangeSettings = { ...settings, replyMode: "auto" };
  const watch = leaveWatch();
  const tools = new ToolHeaders(MAX_TOOLS);
  return async (posted, request, caller) => {
    check(posted, request, { annotationsOf: (name) => tools.of(name, whoseTools(caller)) });
    if (cancels(posted)) return new Response(null, { status: 202 });
    const gone = new LazyAbortController();
    const session = crypto.randomUUID();
    const admitted = accept({
      session,
      wire: "streamableHttp",
      scope: "request",
      era: "modern",
      principal: caller.principal,
      scopes: caller.scopes,
      address: caller.address,
      launch: caller.launch,
      gone,
    });
    const admission = admitted instanceof Promise ? await admitted : admitted;
    const [asked] = posted.requests;
    let watched: Ticket<Watched> | undefined;
    const post = new SinglePost(posted, asked && isLasting(asked) ? lasting : settings, {
      session,
      caller,
      gone,
      backlog: admission.backlog,
      statusOf,
      hear: asked?.method === Method.listTools
        ? (message) => tools.learnFrom(message, whoseTools(caller))
        : undefined,
      onComplete: () => watched && watch.delete(watched),
    });
    void admission.run(post);
    // To leave is to cancel: the stream of an answer tells it, and before there is one, somebody has to look.
    if (!post.answered) watched = watch.add(new Watched(post, request));
    return post.response;
  };
}

/**
 * Whether it says what its client has said by leaving, as Go's SDK does ("Transport-Specific Cancellation": it is not
 * expected here). The id is that of another POST, and means nothing in this one.
 */
function cancels({ messages: [first], requests }: Posted): boolean {
  return first !== undefined && requests.length === 0 && cancelledId(first.message) !== undefined;
}

/** Somebody's own server may list what it likes: that says nothing of a tool of the same name of somebody else. */
function whoseTools({ principal, launch }: Caller): string {
  return principal || launch ? JSON.stringify([principal?.name, launch]) : "";
}

function check(
  { batch, messages: [first], requests: [asked] }: Posted,
  request: Request,
  tools: AnnotatedTools,
): void {
  if (batch) throw invalidRequest("2026-07-28 has no batches: send each message by itself");
  if (first && isResponse(first.message)) {
    throw invalidRequest(
      "a client of 2026-07-28 sends no responses: what it is asked, it answers by asking again",
    );
  }
  if (asked) checkModern(request, asked, tools);
  else if (first && isNotification(first.message)) checkModernNotification(request, first.message);
}

/** A POST that is not answered yet, and the connection that it came on. */
class Watched {
  readonly post: SinglePost;
  readonly request: Request;

  constructor(post: SinglePost, request: Request) {
    this.post = post;
    this.request = request;
  }
}

/** Looks at who waits for longer than most; one timer for all. Whoever makes it clears it, or leaves it to end by itself. */
function leaveWatch(): TimeLimit<Watched> {
  return new TimeLimit<Watched>(
    WATCHED_AFTER_MS,
    ({ post, request }) => {
      if (post.answered) return;
      if (request.signal.aborted) post.left();
      else request.signal.addEventListener("abort", () => post.left());
    },
    WATCHED_AFTER_MS / 2,
  );
}

function statusOf(message: JsonRpcMessage): number {
  return "error" in message ? STATUS[message.error.code] ?? 200 : 200;
}
