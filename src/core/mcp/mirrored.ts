/**
 * What an HTTP request of 2026-07-28 says in its headers too, so that nobody on its way has to read its body
 * (2026-07-28, Streamable HTTP page, "Request Metadata").
 */
import { isObject, type JsonRpcRequest, type Params } from "../message/jsonrpc.ts";
import { isRounded } from "../message/large_integer.ts";
import { isOfTasks, Method } from "./methods.ts";
import type { ParamAnnotation } from "./param_annotations.ts";

/** The headers that mirror what every request has, or the three methods that have a name. */
export const MirrorHeader = {
  revision: "MCP-Protocol-Version",
  method: "Mcp-Method",
  name: "Mcp-Name",
} as const;

/** What a header can stand for. */
export type Mirrored = string | number | bigint | boolean;

/** Visible ASCII, with spaces only inside. A tab may stand there too, but it is a control character to some. */
const PLAIN = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;
const READABLE = /^[\t\x20-\x7e]*$/;
const [ENCODED_START, ENCODED_END] = ["=?base64?", "?="];
/** As a number is written out: `42.0` is 42. Longer ones are no numbers that anybody sends. */
const DECIMAL = /^(-?\d{1,400})(?:\.(\d{1,400}))?$/;

/**
 * What `Mcp-Name` has to say of a request; undefined where it has no such header. That of the tasks extension is the
 * task's id (SEP-2663, "Streamable HTTP: Routing Headers").
 */
export function mirroredName(
  { method, params }: Pick<JsonRpcRequest, "method" | "params">,
): string | undefined {
  const key = nameKeyOf(method);
  const value = key && params?.[key];
  return typeof value === "string" ? value : undefined;
}

/** Which of a request's params it is that `Mcp-Name` mirrors. */
export function nameKeyOf(method: string): string | undefined {
  if (method === Method.callTool || method === Method.getPrompt) return "name";
  if (method === Method.readResource) return "uri";
  return isOfTasks(method) ? "taskId" : undefined;
}

/** A value as a header carries it (the page's "Value Encoding"). */
export function encodeMirrored(value: Mirrored): string {
  const text = `${value}`;
  if (isPlain(text) && !isMarked(text)) return text;
  return `${ENCODED_START}${new TextEncoder().encode(text).toBase64()}${ENCODED_END}`;
}

/** Whether a header can say it as it is, marked as encoded or not. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text);
}

/** What a header says; undefined where that is not valid: it has other characters than it may have, or is not encoded well. */
export function decodeMirrored(header: string): string | undefined {
  if (!READABLE.test(header)) return undefined;
  if (!isMarked(header)) return header;
  // Between marks that share a character there is nothing, and no two readers agree on what it stands for.
  if (header.length < ENCODED_START.length + ENCODED_END.length) return undefined;
  return decodedText(header.slice(ENCODED_START.length, -ENCODED_END.length));
}

/** Whether what a header says, decoded, is what the body says. */
export function isMirrorOf(text: string, value: Mirrored): boolean {
  return text === value || text === `${value}` || isSameNumber(text, value);
}

/** The headers of a tool's call, for those of its annotated arguments that are there: name and value, not yet encoded. */
export function mirroredParams(
  annotations: readonly ParamAnnotation[],
  args: unknown,
): (readonly [header: string, value: Mirrored])[] {
  return annotations.flatMap(({ header, path }) => {
    const value = valueAt(args, path);
    return isMirrored(value) ? [[`${PARAM_HEADER}${header}`, value] as const] : [];
  });
}

/** Before what the annotation says. */
export const PARAM_HEADER = "Mcp-Param-";

/** The argument of a call that is annotated; undefined where there is none. */
export function valueAt(args: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => isObject(value) ? ownValue(value, key) : undefined, args);
}

/**
 * Whether a header is sent for it. For an integer out of a double's range none is ("Schema Extension"), as there may be
 * readers who round it.
 */
export function isMirrored(value: unknown): value is string | number | boolean {
  if (typeof value === "number") return Number.isFinite(value) && !isRounded(value);
  return typeof value === "string" || typeof value === "boolean";
}

function isMarked(text: string): boolean {
  return text.startsWith(ENCODED_START) && text.endsWith(ENCODED_END);
}

function decodedText(encoded: string): string | undefined {
  try {
    const bytes = Uint8Array.fromBase64(encoded, { lastChunkHandling: "strict" });
    // The decoder skips white space.
    if (bytes.toBase64() !== encoded) return undefined;
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function isSameNumber(text: string, value: Mirrored): boolean {
  const [, integer, fraction = ""] = DECIMAL.exec(text) ?? [];
  if (integer === undefined) return false;
  if (typeof value === "bigint" || Number.isInteger(value)) {
    return /^0*$/.test(fraction) && BigInt(integer) === BigInt(value);
  }
  return Number(text) === value;
}

function ownValue(object: Params, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
