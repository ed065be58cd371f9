/**
 * Which tools, prompts and resources clients may know: what is hidden is in no list, and asked for by its name it is as
 * unknown as what does not exist. What clients say is written anew, so that the server finds the same name as we have.
 */
import { quoted } from "../base/outside.ts";
import { RequestError } from "../core/errors.ts";
import { Method } from "../core/mcp/methods.ts";
import type { Envelope } from "../core/channel.ts";
import {
  isObject,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type Params,
} from "../core/message/jsonrpc.ts";
import { RoutingKeys, withoutStray } from "../core/message/routing_keys.ts";
import type { MessageContext, MessagePolicy } from "../core/policy.ts";
import { anew } from "../wire/anew.ts";
import { filterArray } from "../wire/array_filter.ts";
import type { FilterSettings } from "./options.ts";

/** What is named: each kind has patterns of its own. */
type Kind = "tools" | "prompts" | "resources";
type Hides = (name: string) => boolean;

/** JSON-RPC 2.0 §5.1, and what MCP's page on resources has for one that is not there. */
const [INVALID_PARAMS, RESOURCE_NOT_FOUND] = [-32602, -32002];

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

/** What asks for something by its name, and where that stands. */
const ASKS: ReadonlyMap<string, Pick<ListOf, "kind" | "name">> = new Map([
  [Method.callTool, { kind: "tools", name: "name" }],
  [Method.getPrompt, { kind: "prompts", name: "name" }],
  [Method.readResource, { kind: "resources", name: "uri" }],
  [Method.subscribe, { kind: "resources", name: "uri" }],
  [Method.unsubscribe, { kind: "resources", name: "uri" }],
]);

const NAMES = new RoutingKeys("name", "uri", "ref");
const REFERENCES = new RoutingKeys("type", "name", "uri");

/** Whether there is anything to hide. */
export function isFiltered(settings: FilterSettings): boolean {
  return Object.values(settings).some(({ allow, deny }) => allow !== undefined || deny.length > 0);
}

export function nameFilter(settings: FilterSettings): MessagePolicy {
  const hides: Readonly<Record<Kind, Hides>> = {
    tools: hiding(settings.tools),
    prompts: hiding(settings.prompts),
    resources: hiding(settings.resources),
  };
  return (context, next) => {
    const { direction, envelope } = context;
    if (direction === "up") guard(hides, envelope);
    else if (tellsOfHidden(hides, envelope.message)) return;
    else withoutHidden(hides, context);
    return next();
  };
}

/** Denied is denied; where something is allowed, nothing else is. */
function hiding({ allow, deny }: FilterSettings[Kind]): Hides {
  const isAllowed: Hides = (name) => allow === undefined || allow.some(({ matches }) => matches(name));
  return (name) => deny.some(({ matches }) => matches(name)) || !isAllowed(name);
}

// --- what clients say ---

/** Throws RequestError for what is hidden. */
function guard(hides: Readonly<Record<Kind, Hides>>, envelope: Envelope): void {
  const { message } = envelope;
  if (isRequest(message)) refuseHidden(hides, message);
  if (isResponse(message)) return;
  const { message: said, text } = anew(envelope, message, (same) => understood(same, message));
  envelope.message = said;
  envelope.text = text;
}

function refuseHidden(hides: Readonly<Record<Kind, Hides>>, { method, params }: JsonRpcRequest): void {
  const asked: Asked | undefined = method === Method.complete ? referenceIn(params) : ASKS.get(method);
  if (!asked) return;
  const { kind, name } = asked;
  const named = (asked.within ?? params)?.[name];
  if (typeof named === "string" && hides[kind](named)) throw unknown(kind, named);
}

interface Asked extends Pick<ListOf, "kind" | "name"> {
  /** Where the name stands, if that is not in `params`. */
  readonly within?: Params;
}

/** Of `completion/complete`: an argument of a prompt or of a resource template. */
function referenceIn(params: Params | undefined): Asked | undefined {
  const ref = params?.ref;
  if (!isObject(ref)) return undefined;
  return ref.type === "ref/prompt"
    ? { kind: "prompts", name: "name", within: ref }
    : { kind: "resources", name: "uri", within: ref };
}

/** As servers word it for what does not exist. */
function unknown(kind: Kind, name: string): RequestError {
  if (kind === "resources") return new RequestError("Resource not found", { code: RESOURCE_NOT_FOUND });
  const what = kind === "tools" ? "tool" : "prompt";
  return new RequestError(`Unknown ${what}: ${quoted(name)}`, { code: INVALID_PARAMS });
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

function tellsOfHidden({ resources }: Readonly<Record<Kind, Hides>>, message: JsonRpcMessage): boolean {
  if (!("method" in message) || message.method !== Method.resourceUpdated) return false;
  const uri = message.params?.uri;
  return typeof uri === "string" && resources(uri);
}

function withoutHidden(hides: Readonly<Record<Kind, Hides>>, { envelope, method }: MessageContext): void {
  const { message } = envelope;
  const list = method === undefined ? undefined : LISTS.get(method);
  if (!list || !("result" in message) || !isObject(message.result)) return;
  const { kind, key, name } = list;
  const keeps = (entry: unknown) => !isObject(entry) || !isHidden(hides[kind], entry[name]);
  filterArray(envelope, { ...message, result: message.result }, { key, keeps });
}

/** What has no name cannot be asked for. */
function isHidden(hides: Hides, name: unknown): boolean {
  return typeof name === "string" && hides(name);
}
