/**
 * The last word on each answer: what is thrown on the way to it becomes one, and an event with the reason; and one to
 * somebody who has proved who it is says that it is for nobody else (`PRIVATE_FIELDS`).
 */
import { type Caller, PRIVATE_FIELDS } from "../core/caller.ts";
import { GatewayError, toResponse } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import { type HttpPolicy, isPending } from "../core/http_policy.ts";
import { pathOf } from "../wire/request_path.ts";

/** One policy for both, since each one that waits for the answer costs every request a promise. */
export function finishAnswers(emit: Sink): HttpPolicy {
  const refused = (request: Request, caller: Caller, error: unknown): Response => {
    const response = toResponse(error);
    const { method } = request;
    const reason = loggedReason(error);
    if (!(error instanceof GatewayError)) emit({ type: "fault", where: "http", error });
    const route = caller.route ?? pathOf(request.url);
    const { principal, address } = caller;
    emit({
      ...{ type: "http.refused", method, route, status: response.status, reason },
      ...{ principal: principal?.name, address },
    });
    return response;
  };
  // What is given may be one that takes no more fields.
  const finished = <A>(request: Request, caller: Caller, given: A) => {
    try {
      return kept(given, caller);
    } catch (error) {
      return refused(request, caller, error);
    }
  };
  return (request, caller, next) => {
    try {
      const answer = next(request, caller);
      if (!isPending(answer)) return kept(answer, caller);
      return answer.then(
        (given) => finished(request, caller, given),
        (error) => refused(request, caller, error),
      );
    } catch (error) {
      return refused(request, caller, error);
    }
  };
}

/** One that says so already is left alone: to look at its headers costs more than to send them. */
function kept<A>(answer: A, { principal, answersPrivately }: Caller): A {
  if (principal && !answersPrivately && answer instanceof Response) {
    const { headers } = answer;
    for (const [name, value] of PRIVATE_FIELDS) {
      if (!headers.get(name)?.includes(value)) headers.append(name, value);
    }
  }
  return answer;
}

function loggedReason(error: unknown): string {
  if (error instanceof GatewayError) return error.logged;
  return error instanceof Error ? error.message : String(error);
}
