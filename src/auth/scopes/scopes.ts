/** Which scopes it takes: to call a server at all, and to call some of its tools. */
import { RequestError } from "../../core/errors.ts";
import { Method } from "../../core/mcp/methods.ts";
import { isResponse, type JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import { type Demand, insufficientScope } from "../challenge.ts";
import type { ScopeRule } from "./options.ts";

type Rules = readonly ScopeRule[];

/** JSON-RPC 2.0 §5.1. */
const INVALID_PARAMS = -32602;

/** What each call needs. */
export function serverScopes(rules: Rules): string[] {
  return distinct(rules.filter(({ tools }) => tools === undefined));
}

/** All that any call may need. */
export function allScopes(rules: Rules): string[] {
  return distinct(rules);
}

export function hasToolScopes(rules: Rules): boolean {
  return rules.some(({ tools }) => tools !== undefined);
}

/** Throws RequestError 403 for who was not granted all of it, with all that is needed. */
export function requireScopes(demand: Demand, granted: readonly string[], what: string): void {
  if (!demand.scopes.every((scope) => granted.includes(scope))) throw insufficientScope(demand, what);
}

interface Calling {
  readonly granted: readonly string[];
  readonly metadataUrl?: string | undefined;
}

type ToolCheck = (message: JsonRpcMessage, calling: Calling) => void;

/**
 * Throws RequestError for the call of a tool that needs more than was granted. A name of more than `maxChars` needs all,
 * since to match it takes a time that grows with it.
 */
export function toolCheck(rules: Rules, maxChars: number): ToolCheck {
  const neededFor = (name: string) =>
    distinct(rules.filter(({ tools }) => !tools || name.length > maxChars || tools.matches(name)));
  return (message, { granted, metadataUrl }) => {
    // Also what wants no answer: some servers act upon a call all the same that has no id.
    if (isResponse(message) || message.method !== Method.callTool) return;
    const name = message.params?.name;
    // A server may make a name of what is no text.
    if (typeof name !== "string") {
      throw new RequestError('Invalid params: "name" is not a string', { code: INVALID_PARAMS });
    }
    requireScopes({ scopes: neededFor(name), metadataUrl }, granted, "the tool");
  };
}

function distinct(rules: Rules): string[] {
  return [...new Set(rules.map(({ scope }) => scope))];
}
