/**
 * Which tools, prompts and resources clients may know: what is hidden is in no list, and asked for by its name it is as
 * unknown as what does not exist. What clients say is written anew, so that the server finds the same name as we have.
 */
import { echoed } from "../base/outside.ts";
import { RequestError, RpcCode } from "../core/errors.ts";
import { Method } from "../core/mcp/methods.ts";
import type { Envelope } from "../core/channel.ts";
import {
  isObject,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
} from "../core/message/jsonrpc.ts";
import { RoutingKeys, withoutStray } from "../core/message/routing_keys.ts";
import type { MessageContext, MessagePolicy } from "../core/policy.ts";
import { anew } from "../wire/anew.ts";
import { filterArray } from "../wire/array_filter.ts";
import type { HiddenNames, Kind } from "./hidden_names.ts";

/** A list in a result, and what names its entries. */
interface ListOf {
  readonly kind: Kind;
  readonly key: string;
  readonly name: string;
}

const LISTS: ReadonlyMap<string, ListOf> = new Map([
  [Method.listTools, { kind: "tools", key: "tools", name: "name" }],
  [Method.listPrompts, { kind: "prompts", key: "prompts", name: "name" }],
  [Method.listResources, { kind: "resources", key: "resources", name: "uri" }],
  [Method.listTemplates, { kind: "resources", key: "resourceTemplates", name: "uriTemplate" }],
]);

/** What asks for something by its name. */
const ASKS: ReadonlyMap<string, Pick<ListOf, "kind" | "name">> = new Map([
  [Method.callTool, { kind: "tools", name: "name" }],
  [Method.getPrompt, { kind: "prompts", name: "name" }],
  [Method.readResource, { kind: "resources", name: "uri" }],
  [Method.subscribe, { kind: "resources", name: "uri" }],
  [Method.unsubscribe, { kind: "resources", name: "uri" }],
]);

/** Of `completion/complete`: an argument of a prompt or of a template. */
const COMPLETES: ReadonlyMap<unknown, Pick<ListOf, "kind" | "name">> = new Map([
  ["ref/prompt", { kind: "prompts", name: "name" }],
  ["ref/resource", { kind: "resources", name: "uri" }],
]);

const NAMES = new RoutingKeys("name", "uri", "ref");
const REFERENCES = new RoutingKeys("type", "name", "uri");

export function nameFilter(hidden: HiddenNames): MessagePolicy {
  return (context, next) => {
    const { direction, envelope } = context;
    if (direction === "up") guard(hidden, envelope);
    else keepBack(hidden, context);
    return next();
  };
}

// --- what clients say ---

/** Throws RequestError for what is hidden. */
function guard(hidden: HiddenNames, envelope: Envelope): void {
  const { message } = envelope;
  // Also what wants no answer: some servers act upon a request all the same that has no id.
  if (!isResponse(message)) refuseHidden(hidden, message);
  const { message: said, text } = isResponse(message)
    ? anew(envelope, message, understoodAnswer)
    : anew(envelope, message, (same) => understood(same, message));
  envelope.message = said;
  envelope.text = text;
}

function refuseHidden(hidden: HiddenNames, { method, params }: JsonRpcRequest | JsonRpcNotification): void {
  if (method === Method.complete) return refuseHiddenReference(hidden, params?.ref);
  const asked = ASKS.get(method);
  if (asked) refuseHiddenName(hidden, asked, params);
}

function refuseHiddenReference(hidden: HiddenNames, ref: unknown): void {
  const asked = isObject(ref) ? COMPLETES.get(ref.type) : undefined;
  if (asked) return refuseHiddenName(hidden, asked, ref);
  if (hidden.prompts || hidden.resources) {
    throw invalidParams('"ref" is neither that of a prompt nor that of a resource');
  }
}

/** What is no text is refused as well: a server may make one of it. */
function refuseHiddenName(
  hidden: HiddenNames,
  { kind, name }: Pick<ListOf, "kind" | "name">,
  within: unknown,
): void {
  const hides = hidden[kind];
  if (!hides) return;
  const named = isObject(within) ? within[name] : undefined;
  if (typeof named !== "string") throw invalidParams(`"${name}" is not a string`);
  if (hides(named)) throw unknown(kind, named);
}

function invalidParams(why: string): RequestError {
  return new RequestError(`Invalid params: ${why}`, { code: RpcCode.invalidParams });
}

/** As the pages of MCP on tools, prompts and resources word it for what does not exist. */
function unknown(kind: Kind, name: string): RequestError {
  if (kind === "tools" || kind === "prompts") {
    const what = kind === "tools" ? "tool" : "prompt";
    return new RequestError(`Unknown ${what}: ${echoed(name)}`, { code: RpcCode.invalidParams });
  }
  return new RequestError("Resource not found", { code: RpcCode.resourceNotFound });
}

/** With nothing beside it: some readers would take an answer that names a method for a request. */
function understoodAnswer(same: JsonRpcResponse): JsonRpcResponse {
  const { jsonrpc } = same;
  return "error" in same
    ? { jsonrpc, id: same.id, error: same.error }
    : { jsonrpc, id: same.id, result: same.result };
}

/** Without members that the server might take for others. `original` is what was parsed: `same` may be a copy of it. */
function understood<M extends JsonRpcRequest | JsonRpcNotification>(
  same: M,
  original: JsonRpcRequest | JsonRpcNotification,
): JsonRpcRequest | JsonRpcNotification {
  const { jsonrpc, method, params } = same;
  const id = "id" in same ? { id: same.id } : {};
  return { jsonrpc, ...id, method, ...params && { params: understoodParams(params, original) } };
}

function understoodParams(
  params: Params,
  { method, params: original }: JsonRpcRequest | JsonRpcNotification,
): Params {
  if (method !== Method.complete && !ASKS.has(method)) return params;
  const known = withoutStray(params, NAMES);
  const ref = original?.ref;
  return isObject(ref) ? { ...known, ref: withoutStray(ref, REFERENCES) } : known;
}

// --- what servers say ---

/** Throws RequestError for what is told of something hidden. */
function keepBack(hidden: HiddenNames, { envelope, method }: MessageContext): void {
  const { message } = envelope;
  if (tellsOfHidden(hidden, message)) throw new RequestError("It tells of a resource that is hidden");
  const list = method === undefined ? undefined : LISTS.get(method);
  const hides = list && hidden[list.kind];
  if (!hides || !("result" in message) || !isObject(message.result)) return;
  const { key, name } = list;
  const keeps = (entry: unknown) => !isObject(entry) || !isHidden(hides, entry[name]);
  filterArray(envelope, { ...message, result: message.result }, { key, keeps });
}

function tellsOfHidden({ resources }: HiddenNames, message: JsonRpcMessage): boolean {
  if (!("method" in message) || message.method !== Method.resourceUpdated) return false;
  return resources !== undefined && isHidden(resources, message.params?.uri);
}

/** What has no name cannot be asked for. */
function isHidden(hides: (name: string) => boolean, name: unknown): boolean {
  return typeof name === "string" && hides(name);
}
