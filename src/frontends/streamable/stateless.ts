/** Streamable HTTP without sessions: each POST is a conversation of its own. */
import type { Accept } from "../../core/backend.ts";
import type { Caller } from "../../core/caller.ts";
import { LazyAbortController } from "../../base/lazy_abort_controller.ts";
import { postAcceptCheck } from "./accept.ts";
import { type ExchangeSettings, silenceLimit } from "./exchange.ts";
import type { AsyncHandler } from "../frontend.ts";
import { methodNotAllowed, requireServed, versionOf } from "../http_checks.ts";
import { isModernPost, modernPosts } from "./modern_post.ts";
import { posting, type ReceiveOptions } from "../posted.ts";
import { SinglePost } from "./single_post.ts";

export interface StatelessOptions extends Omit<ExchangeSettings, "silence">, ReceiveOptions {
  readonly accept: Accept;
  /** Throws BusyError while too much waits for the server of this caller. */
  readonly refuseFull?: (caller: Caller) => void;
}

export function stateless(options: StatelessOptions): AsyncHandler {
  // Not cleared by anybody: when nothing waits any more, its timer ends by itself.
  const settings = { ...options, silence: silenceLimit() };
  const requireAccept = postAcceptCheck(options.replyMode);

  function check(request: Request, caller: Caller): void {
    // There is no session to listen to or to end.
    if (request.method !== "POST") throw methodNotAllowed(["POST"]);
    requireAccept(request);
    options.refuseFull?.(caller);
  }

  const modern = modernPosts(options, settings);

  return posting({ ...options, check }, async (posted, request, caller) => {
    const version = versionOf(request);
    if (isModernPost(posted, version)) return modern(posted, request, caller);
    requireServed(version);
    const gone = new LazyAbortController();
    const session = crypto.randomUUID();
    const admitted = options.accept({
      session,
      wire: "streamableHttp",
      scope: "request",
      principal: caller.principal,
      scopes: caller.scopes,
      address: caller.address,
      launch: caller.launch,
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
