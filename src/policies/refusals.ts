/** What is thrown on the way to an answer becomes one, and an event with the reason. */
import type { Caller } from "../core/caller.ts";
import { GatewayError, toResponse } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import { type HttpPolicy, isPending } from "../core/http_policy.ts";
import { pathOf } from "../wire/request_path.ts";

export function answerRefusals(emit: Sink): HttpPolicy {
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
  return (request, caller, next) => {
    try {
      const answer = next(request, caller);
      return isPending(answer) ? answer.catch((error) => refused(request, caller, error)) : answer;
    } catch (error) {
      return refused(request, caller, error);
    }
  };
}

function loggedReason(error: unknown): string {
  if (error instanceof GatewayError) return error.logged;
  return error instanceof Error ? error.message : String(error);
}
