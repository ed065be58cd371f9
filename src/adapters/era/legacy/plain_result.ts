/** What a modern server answers, as a legacy client knows it (2026-07-28, changelog; SEP-2106 for structured content). */
import type { Envelope } from "../../../core/channel.ts";
import { Method } from "../../../core/mcp/methods.ts";
import { elementsIn } from "../../../core/message/elements.ts";
import { isObject, type JsonRpcResult, type Params, type RequestId } from "../../../core/message/jsonrpc.ts";
import { eachMember, endOfValue, nameAt } from "../../../core/message/members.ts";
import { quoted } from "../../../base/outside.ts";
import { anewSpelled, jsonAt, type Put } from "../../../wire/anew_spelled.ts";
import { CACHEABLE } from "../modern_answers.ts";
import { plainMetaOfResult } from "./plain_meta.ts";

const CACHE_HINTS: ReadonlySet<string> = new Set(["ttlMs", "cacheScope"]);
const SCHEMA = "outputSchema";

/** What was asked, and by whom. */
export interface AnsweredCall {
  readonly id: RequestId;
  readonly method: string;
  readonly tool: string | undefined;
}

/** Hears what of a tool cannot be said to a legacy client. */
export type LossListener = (tool: string, what: string) => void;

/** Members of a result that are other ones for a legacy client; undefined is left out. */
type Replaced = (put: Put) => Params;

/** The answer under the id of its asker. */
export function plainAnswer(
  envelope: Envelope,
  message: JsonRpcResult,
  call: AnsweredCall,
  lose: LossListener,
): Envelope {
  const replaced = replacedIn(envelope, message.result, call, lose);
  const { id } = call;
  return anewSpelled(envelope, message, ({ result, ...said }, put): JsonRpcResult => {
    if (!isObject(result)) return { ...said, id, result };
    return { ...said, id, result: plainResult({ ...result, ...replaced(put) }, call) };
  });
}

function plainResult(result: Params, { method }: AnsweredCall): Params {
  const cacheable = CACHEABLE.has(method);
  const plain: [string, unknown][] = [];
  for (const [key, value] of Object.entries(result)) {
    const own = key === "_meta" && isObject(value) ? plainMetaOfResult(value) : value;
    const isHint = cacheable && CACHE_HINTS.has(key);
    if (own !== undefined && key !== "resultType" && !isHint) plain.push([key, own]);
  }
  return Object.fromEntries(plain);
}

function replacedIn(
  envelope: Envelope,
  result: unknown,
  { method, tool }: AnsweredCall,
  lose: LossListener,
): Replaced {
  if (isObject(result)) {
    if (method === Method.listTools) return toolsReplaced(envelope, result.tools, lose);
    if (method === Method.callTool && "structuredContent" in result && !isObject(result.structuredContent)) {
      lose(tool ?? "", "a structured content that is no object");
      return contentReplaced(envelope, result);
    }
  }
  return () => ({});
}

// --- structured content ---

/** Servers should say it as text as well; where one does not, its JSON is better than nothing. */
function contentReplaced(envelope: Envelope, { content, structuredContent }: Params): Replaced {
  const blocks = Array.isArray(content) ? content : [];
  if (blocks.some((block) => isObject(block) && block.type === "text")) {
    return () => ({ structuredContent: undefined });
  }
  const text = jsonAt(envelope, ["result", "structuredContent"], structuredContent);
  const block = { type: "text", text };
  const all = [...blocks, block];
  const json = () => {
    const before = blocks.length > 0 ? elementsIn(jsonAt(envelope, ["result", "content"], content)) : [];
    return `[${[...before, JSON.stringify(block)].join(",")}]`;
  };
  return (put) => ({ structuredContent: undefined, content: put(all, json) });
}

// --- lists of tools ---

/** Without the schemas of what legacy clients cannot be answered. */
function toolsReplaced(envelope: Envelope, tools: unknown, lose: LossListener): Replaced {
  if (!Array.isArray(tools)) return () => ({});
  const tooMuch = tools.map(hasForeignSchema);
  if (!tooMuch.includes(true)) return () => ({});
  const kept = tools.map((tool: unknown, at) => {
    if (!tooMuch[at] || !isObject(tool)) return tool;
    lose(typeof tool.name === "string" ? tool.name : "", `an ${SCHEMA} that is of no object`);
    const { [SCHEMA]: _, ...rest } = tool;
    return rest;
  });
  const json = () => {
    const spelled = elementsIn(jsonAt(envelope, ["result", "tools"], tools));
    return `[${spelled.map((tool, at) => tooMuch[at] ? withoutMember(tool, SCHEMA) : tool).join(",")}]`;
  };
  return (put) => ({ tools: put(kept, json) });
}

/** Until 2025-11-25 the schema of an output is that of an object (schema, "Tool"). */
function hasForeignSchema(tool: unknown): boolean {
  if (!isObject(tool) || !Object.hasOwn(tool, SCHEMA)) return false;
  const { [SCHEMA]: schema } = tool;
  return !isObject(schema) || schema.type !== "object";
}

function withoutMember(json: string, key: string): string {
  const members: string[] = [];
  eachMember(json, json.indexOf("{"), ({ nameStart, nameEnd, valueStart }) => {
    const end = endOfValue(json, valueStart);
    if (nameAt(json, nameStart, nameEnd) !== key) members.push(json.slice(nameStart, end));
    return end;
  });
  return `{${members.join(",")}}`;
}

/** Names a tool in an event. */
export function lossOf(tool: string, what: string): string {
  return `the tool ${quoted(tool)} has ${what}, which no revision before 2026-07-28 can say: it was left out`;
}
