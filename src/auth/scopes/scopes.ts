/** Which scopes it takes: to call a server at all, and to call some of its tools. */
import type { Principal } from "../../core/backend.ts";
import { RequestError, RpcCode } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import { Method } from "../../core/mcp/methods.ts";
import { isResponse, type JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import { type Demand, insufficientScope, TOO_LITTLE } from "../challenge.ts";
import type { ScopeRule } from "./options.ts";

type Rules = readonly ScopeRule[];

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

/** Who asks for something, and what that one was granted. */
interface Grantee {
  readonly principal?: Principal | undefined;
  readonly scopes?: readonly string[];
  readonly address?: string | undefined;
  /** Names what it was proved by. */
  readonly credential?: string | undefined;
  /** By which kind of proof. */
  readonly authKind?: string | undefined;
}

/** What is asked for: a tool, or anything of the server at all. */
interface Asked {
  readonly demand: Demand;
  readonly tool?: string;
}

/** Throws RequestError 403 for who was not granted all of it, with all that is needed, and tells of it. */
export function requireScopes(who: Grantee, { demand, tool }: Asked, emit: Sink): void {
  const { principal, scopes: granted = [], address, credential, authKind: kind } = who;
  if (demand.scopes.every((scope) => granted.includes(scope))) return;
  emit({
    ...{ type: "auth.refused", kind, credential, address, principal: principal?.name },
    ...{ reason: TOO_LITTLE, tool, countable: true },
  });
  throw insufficientScope(demand, tool === undefined ? "the server" : "the tool");
}

type ToolCheck = (message: JsonRpcMessage, who: Grantee, metadataUrl?: string) => void;

interface ToolCheckOptions {
  /** A longer name needs all scopes, since to match it takes a time that grows with it. */
  readonly maxChars: number;
  /** Is told of who is refused. */
  readonly emit: Sink;
}

/** Throws RequestError for the call of a tool that needs more than was granted. */
export function toolCheck(rules: Rules, { maxChars, emit }: ToolCheckOptions): ToolCheck {
  const neededFor = (name: string) =>
    distinct(rules.filter(({ tools }) => !tools || name.length > maxChars || tools.matches(name)));
  return (message, who, metadataUrl) => {
    // Also what wants no answer: some servers act upon a call all the same that has no id.
    if (isResponse(message) || message.method !== Method.callTool) return;
    const name = message.params?.name;
    // A server may make a name of what is no text.
    if (typeof name !== "string") {
      throw new RequestError('Invalid params: "name" is not a string', { code: RpcCode.invalidParams });
    }
    requireScopes(who, { demand: { scopes: neededFor(name), metadataUrl }, tool: name }, emit);
  };
}

function distinct(rules: Rules): string[] {
  return [...new Set(rules.map(({ scope }) => scope))];
}
