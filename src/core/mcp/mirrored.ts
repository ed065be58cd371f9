/**
 * What a request of 2026-07-28 repeats in HTTP headers, so that who stands in between need not read its body (its
 * Streamable HTTP page, "Request Metadata"). A client writes them, and a server compares them with the body.
 */
import { isObject, type Params } from "../message/jsonrpc.ts";
import { Method } from "./methods.ts";

/** An argument of a tool that its calls repeat in a header: where it stands, and what the header's name ends with. */
export interface MirroredParam {
  readonly header: string;
  readonly path: readonly string[];
}

const ANNOTATION = "x-mcp-header";
const TYPES: ReadonlySet<unknown> = new Set(["string", "integer", "boolean"]);
/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Keywords whose value is no schema: what stands in there is data. */
const DATA: ReadonlySet<string> = new Set(["const", "enum", "default", "examples"]);
/** Many times what any tool has: a schema must not be made to cost more than it is worth. */
const MAX_NODES = 10_000;

const SENTINEL = /^=\?base64\?(.*)\?=$/s;
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;
const DECIMAL = /^-?\d+(?:\.\d+)?$/;

/** What `Mcp-Name` repeats of a request; undefined where it repeats nothing ("Standard Request Headers"). */
export function mirroredName({ method, params }: { method: string; params?: Params }): string | undefined {
  const value = method === Method.readResource
    ? params?.uri
    : method === Method.callTool || method === Method.getPrompt
    ? params?.name
    : undefined;
  return typeof value === "string" ? value : undefined;
}

/** A value as a header has it ("Value Encoding"). */
export function encoded(value: string): string {
  if (value === "" || (PLAIN.test(value) && !SENTINEL.test(value))) return value;
  return `=?base64?${new TextEncoder().encode(value).toBase64()}?=`;
}

/** The value that a header has; undefined where it is not spelled as one. */
export function decoded(header: string): string | undefined {
  const base64 = SENTINEL.exec(header)?.[1];
  if (base64 === undefined) return header === "" || PLAIN.test(header) ? header : undefined;
  try {
    // Padded in full: another spelling of the same value is none.
    const bytes = Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether a header repeats this value; integers are compared as numbers ("Server Validation"). */
export function repeats(header: string, value: unknown): boolean {
  const text = decoded(header);
  if (text === undefined) return false;
  if (typeof value === "number") return DECIMAL.test(text) && Number(text) === value;
  if (typeof value === "bigint") {
    return /^-?\d+(?:\.0+)?$/.test(text) && BigInt(text.split(".")[0] ?? "") === value;
  }
  return text === `${value}`;
}

/** The headers of a call with these arguments, by their names in small letters. */
export function paramHeaders(params: readonly MirroredParam[], args: unknown): Record<string, string> {
  return Object.fromEntries(
    params.flatMap((param) => {
      const value = argumentAt(args, param);
      return value === undefined ? [] : [[headerOf(param), encoded(`${value}`)]];
    }),
  );
}

export function headerOf({ header }: MirroredParam): string {
  return `mcp-param-${header.toLowerCase()}`;
}

/** What the call has there to be repeated; undefined for null, and for what no header can say. */
export function argumentAt(
  args: unknown,
  { path }: MirroredParam,
): string | number | bigint | boolean | undefined {
  let value = args;
  for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
    case "boolean":
      return value;
    default:
      return undefined;
  }
}

/** What calls of a tool with this schema repeat, or why its annotations are against the rules ("Schema Extension"). */
export function mirroredParams(inputSchema: unknown): readonly MirroredParam[] | string {
  const scan = new Scan();
  return scan.fault(inputSchema, [], true) ?? scan.found;
}

class Scan {
  readonly found: MirroredParam[] = [];
  readonly #names = new Set<string>();
  #nodes = 0;

  /** Why the annotations in there are against the rules; `reachable` says that only names of properties lead there. */
  fault(schema: unknown, path: readonly string[], reachable: boolean): string | undefined {
    if (typeof schema !== "object" || schema === null) return undefined;
    if (++this.#nodes > MAX_NODES) return "its schema is too large to be looked through";
    if (Array.isArray(schema)) return firstOf(schema, (item) => this.fault(item, path, false));
    const own: Params = isObject(schema) ? schema : {};
    return this.#annotationFault(own, path, reachable) ??
      firstOf(Object.entries(own), ([key, value]) => this.#memberFault(key, value, { path, reachable }));
  }

  #memberFault(
    key: string,
    value: unknown,
    { path, reachable }: { readonly path: readonly string[]; readonly reachable: boolean },
  ): string | undefined {
    if (DATA.has(key)) return undefined;
    if (key !== "properties" || !isObject(value)) return this.fault(value, path, false);
    return firstOf(Object.entries(value), ([name, schema]) => this.fault(schema, [...path, name], reachable));
  }

  #annotationFault(schema: Params, path: readonly string[], reachable: boolean): string | undefined {
    if (!Object.hasOwn(schema, ANNOTATION)) return undefined;
    const { [ANNOTATION]: header, type } = schema;
    const where = path.length > 0 ? path.join(".") : "the schema itself";
    if (!reachable || path.length === 0) {
      return `${where} has ${ANNOTATION}, and is not reached by properties alone`;
    }
    if (typeof header !== "string" || !TOKEN.test(header)) {
      return `${ANNOTATION} of ${where} is no token of HTTP`;
    }
    if (!TYPES.has(type)) {
      return `${ANNOTATION} of ${where}, which is neither a string, an integer nor a boolean`;
    }
    const name = header.toLowerCase();
    if (this.#names.has(name)) return `${ANNOTATION} of ${where} is that of another argument as well`;
    this.#names.add(name);
    this.found.push({ header, path });
    return undefined;
  }
}

function firstOf<T>(items: Iterable<T>, faultOf: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const fault = faultOf(item);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
