/** HTTP policies: what stands in front of every route, for plain requests and for upgrades alike. */
import type { Caller } from "./caller.ts";

/** Hands a request on, to the next policy or the route. `A` is what the route may give besides a Response, as an upgrade. */
export type Next<A> = (request: Request, caller: Caller) => A | Response | Promise<A | Response>;

/**
 * Answers a request itself, or hands it on by `next`, at most once. To refuse, throw a GatewayError: a policy further
 * out makes an answer of it. Not to be `async` without need, since each promise costs every request.
 */
export type HttpPolicy = <A>(
  request: Request,
  caller: Caller,
  next: Next<A>,
) => A | Response | Promise<A | Response>;

/**
 * Puts policies in front of a route; the first one is the outermost. All is put together here, once, so a request costs
 * no closure on its way: that a policy calls `next` twice is noticed by the caller, which is there once for a request.
 */
export function behind<A>(policies: readonly HttpPolicy[], route: Next<A>): Next<A> {
  return policies.reduceRight<Next<A>>((inner, policy, index) => {
    const next: Next<A> = (request, caller) => {
      if (!caller.pass(index + 1)) throw new Error("A policy called next() twice");
      return inner(request, caller);
    };
    return (request, caller) => policy(request, caller, next);
  }, route);
}

/** Whether an answer is still to come. */
export function isPending<A>(answer: A | Promise<A>): answer is Promise<A> {
  return answer instanceof Promise;
}
