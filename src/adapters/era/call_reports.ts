/** What a legacy server reports of a call while it works on it: progress, and what it logs. */
import type { Envelope } from "../../core/channel.ts";
import { reachesLevel } from "../../core/mcp/log_levels.ts";
import { reportedToken } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import { isObject, type JsonRpcNotification } from "../../core/message/jsonrpc.ts";
import { withReportedToken } from "../sharing/rewrite.ts";
import type { Waiter } from "./waiter.ts";

/** What makes a server log for this request, if that has asked for it; the answer is of no interest. */
export function levelRequest(
  { id: ofCall, meta: { logLevel: level } }: Waiter,
  capabilities: unknown,
): Envelope | undefined {
  if (level === undefined || !isObject(capabilities) || capabilities.logging === undefined) return undefined;
  const id = ofCall === 1 ? 2 : 1;
  return { message: { jsonrpc: "2.0", id, method: Method.setLevel, params: { level } } };
}

/** The report as the request asked to hear it; undefined for what it has not asked for. */
export function reportTo(
  { token, meta: { logLevel } }: Waiter,
  envelope: Envelope,
  message: JsonRpcNotification,
): Envelope | undefined {
  if (message.method === Method.logged) {
    const isWanted = logLevel !== undefined && reachesLevel(message.params?.level, logLevel);
    return isWanted ? { ...envelope } : undefined;
  }
  if (message.method !== Method.progress || token === undefined) return undefined;
  return reportedToken(message) === token ? { ...envelope } : withReportedToken(envelope, message, token);
}
