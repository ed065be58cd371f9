/** What has to do with the audit log: nothing new begins that could not be recorded, and what tools are called with. */
import type { GatewayError } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import type { HttpPolicy } from "../core/http_policy.ts";
import { requestedTool } from "../core/mcp/messages.ts";
import { Method } from "../core/mcp/methods.ts";
import { isRequest, isResponse } from "../core/message/jsonrpc.ts";
import type { MessagePolicy } from "../core/policy.ts";

/** Throws the refusal, which says why nothing new may begin; what anybody may ask for is not recorded. */
export function refuseUnrecorded(refusal: () => GatewayError | undefined): HttpPolicy {
  return (request, caller, next) => {
    const error = refusal();
    if (error && !caller.openness) throw error;
    return next(request, caller);
  };
}

/** Tells what each tool is called with, also one that is refused by a policy within. */
export function toolArguments(record: Sink): MessagePolicy {
  return ({ peer, direction, envelope: { message } }, next) => {
    if (direction === "up" && !isResponse(message) && message.method === Method.callTool) {
      const { params } = message;
      // Some servers act upon a call all the same that wants no answer.
      const id = isRequest(message) ? message.id : undefined;
      record({
        ...{ type: "tool.called", session: peer.session, id, tool: requestedTool(message) },
        arguments: params?.arguments,
      });
    }
    return next();
  };
}
