/** What sharing can carry: what each kind of client is told of the server, and what it may not ask. */
import type { Envelope } from "../../core/channel.ts";
import { RpcCode } from "../../core/errors.ts";
import { isHandshake } from "../../core/mcp/messages.ts";
import { isNotificationName, isOfTasks, Method } from "../../core/mcp/methods.ts";
import {
  isObject,
  type JsonRpcErrorObject,
  type JsonRpcRequest,
  type Params,
} from "../../core/message/jsonrpc.ts";
import { anew } from "../../wire/anew.ts";
import type { ClientKind } from "./shared_client.ts";
import { quoted } from "../../base/outside.ts";
import { optionName } from "../../base/option_name.ts";

/** What needs a client that is there when the server speaks. */
const NEEDS_SESSION = new Set<string>([Method.subscribe, Method.unsubscribe, Method.setLevel]);

/** What an answer to `initialize` depends on besides the server's own. */
interface InitializeQuestion {
  readonly kind: ClientKind;
  /** The revision that the client asks for. */
  readonly asked: unknown;
  /** Those that a client may be told. */
  readonly versions: readonly string[];
}

/** The result of the server's `initialize` as a client is told it: without what sharing cannot carry. */
export function initializeResult(
  initialized: unknown,
  { kind, asked, versions }: InitializeQuestion,
): Params {
  if (!isObject(initialized)) return {};
  const { capabilities, protocolVersion: own } = initialized;
  return {
    ...initialized,
    ...(isObject(capabilities) ? { capabilities: shareable(capabilities, kind) } : {}),
    ...(isKnown(asked, own, versions) ? { protocolVersion: asked } : {}),
  };
}

/**
 * The client is told the revision that it asked for, where that is one we serve and not newer than the server's own:
 * it may refuse any other (MCP lifecycle page, "Version Negotiation").
 */
function isKnown(asked: unknown, own: unknown, versions: readonly string[]): boolean {
  if (typeof asked !== "string" || typeof own !== "string") return false;
  return versions.includes(asked) && asked <= own;
}

function shareable({ tasks: _, ...capabilities }: Params, kind: ClientKind): Params {
  if (kind === "session") return capabilities;
  const { logging, ...others } = withoutLater(capabilities);
  // What a server logs on behalf of a call can be told apart only where nobody else has that server.
  return kind === "alone" && logging !== undefined ? { ...others, logging } : others;
}

/** Why a client of this kind may not ask this, or undefined. */
export function methodRefusal(method: string, kind: ClientKind): JsonRpcErrorObject | undefined {
  // A server that does not mind the id would take it for one, and it was looked at as none.
  if (isNotificationName(method)) {
    return methodNotFound(`${quoted(method)} is a notification, and has no id`);
  }
  const task = isOfTasks(method);
  if (task && kind !== "alone") {
    return methodNotFound(
      `${quoted(method)} is not offered by a shared server: every client could reach every task`,
    );
  }
  const needsSession = kind === "alone" ? task : kind === "request" && NEEDS_SESSION.has(method);
  if (!needsSession) return undefined;
  return methodNotFound(
    `${quoted(method)} needs a session, and this request stands alone: start the gateway with ${
      optionName("stateful")
    }`,
  );
}

/** Whether this must be asked with an id, since a server that does not mind would do for all what one has said. */
export function needsId(method: string): boolean {
  return NEEDS_SESSION.has(method) || isHandshake({ method }) || isOfTasks(method);
}

/** Drops `task`: a server without that capability must process the call as any other (MCP tasks page, 2025-11-25). */
export function withoutTask(
  envelope: Envelope,
  message: JsonRpcRequest,
): { envelope: Envelope; message: JsonRpcRequest } {
  if (message.method !== Method.callTool || message.params?.task === undefined) return { envelope, message };
  return { envelope: anew(envelope, message, taskless), message: taskless(message) };
}

function taskless({ params: { task: _, ...params } = {}, ...call }: JsonRpcRequest): JsonRpcRequest {
  return { ...call, params };
}

/** Without what is brought to a client later on. */
function withoutLater(capabilities: Params): Params {
  return Object.fromEntries(
    Object.entries(capabilities).map(([name, value]) => {
      if (!isObject(value)) return [name, value];
      const { listChanged: _, ...rest } = value;
      if (name !== "resources") return [name, rest];
      const { subscribe: __, ...resources } = rest;
      return [name, resources];
    }),
  );
}

function methodNotFound(message: string): JsonRpcErrorObject {
  return { code: RpcCode.methodNotFound, message };
}
