/**
 * Which arguments of a tool's call are mirrored in headers, as the schema of its input says (2026-07-28, tools page,
 * "x-mcp-header", and Streamable HTTP page, "Schema Extension").
 */
import { quoted } from "../../base/outside.ts";
import { isObject, type Params } from "../message/jsonrpc.ts";

/** An argument that is mirrored. */
export interface ParamAnnotation {
  /** Without the `Mcp-Param-` that goes before it. */
  readonly header: string;
  /** The keys that lead to it in the arguments. */
  readonly path: readonly string[];
  readonly type: string;
}

const KEYWORD = "x-mcp-header";
/** RFC 9110, 5.6.2: 1*tchar. */
const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const TYPES: ReadonlySet<unknown> = new Set(["string", "integer", "boolean"]);

/** A schema that has more in it is made to cost time. */
const MAX_PLACES = 50_000;
/** Each is a header of every call, and servers refuse requests that have many. */
const MAX_ANNOTATIONS = 100;
const MAX_HEADER_CHARS = 100;
const MAX_DEPTH = 64;

/** What stands under these keywords is no schema. */
const OF_DATA: ReadonlySet<string> = new Set(["const", "enum", "default", "examples", "required"]);
/** Under these a key is a name, and each value a schema. */
const OF_NAMES: ReadonlySet<string> = new Set([
  ...["patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"],
]);

/** Something in a schema, and how it is come to. */
interface Place {
  readonly schema: unknown;
  /** By names of properties alone from the root on: what is there in the arguments is known by that. */
  readonly isReachable: boolean;
  readonly depth: number;
  readonly key?: string;
  readonly parent?: Place;
}

/** The annotations of a tool's input, or what is wrong with them, in words: such a tool is not to be offered over HTTP. */
export function annotationsOf(inputSchema: unknown): ParamAnnotation[] | string {
  const found = new Map<string, ParamAnnotation>();
  const places: Place[] = [{ schema: inputSchema, isReachable: true, depth: 0 }];
  // Those inside come behind it: no schema is nested too deep for this.
  for (const place of places) {
    if (!isObject(place.schema)) continue;
    const fault = Object.hasOwn(place.schema, KEYWORD)
      ? takeAnnotation(place, place.schema, found)
      : undefined;
    if (fault !== undefined) return fault;
    for (const inner of placesIn(place, place.schema)) {
      if (places.push(inner) > MAX_PLACES) return `the schema has more than ${MAX_PLACES} parts`;
    }
  }
  return [...found.values()];
}

function takeAnnotation(
  place: Place,
  schema: Params,
  found: Map<string, ParamAnnotation>,
): string | undefined {
  const { [KEYWORD]: header, type } = schema;
  const fault = reachFault(place) ?? headerFault(header) ?? typeFault(type);
  if (fault !== undefined) return `${KEYWORD} ${quoted(header)} ${fault}`;
  const name = `${header}`.toLowerCase();
  if (found.has(name)) return `${KEYWORD} ${quoted(header)} stands there twice`;
  if (found.size === MAX_ANNOTATIONS) return `${KEYWORD} stands there more than ${MAX_ANNOTATIONS} times`;
  found.set(name, { header: `${header}`, path: pathOf(place), type: `${type}` });
}

function reachFault({ isReachable, depth }: Place): string | undefined {
  if (!isReachable || depth === 0) return 'is not at a property that "properties" alone lead to';
  return depth > MAX_DEPTH ? `is at a property in more than ${MAX_DEPTH} others` : undefined;
}

function headerFault(header: unknown): string | undefined {
  if (typeof header !== "string") return "is not a string";
  if (header === "") return "is empty";
  if (!TOKEN.test(header)) return "is no name of a header";
  return header.length > MAX_HEADER_CHARS ? `is longer than ${MAX_HEADER_CHARS} characters` : undefined;
}

function typeFault(type: unknown): string | undefined {
  return TYPES.has(type) ? undefined : "is at a property whose type is not string, integer or boolean";
}

function* placesIn(parent: Place, schema: Params): Generator<Place> {
  const depth = parent.depth + 1;
  for (const [keyword, value] of Object.entries(schema)) {
    if (typeof value !== "object" || value === null || OF_DATA.has(keyword)) continue;
    if (keyword === "properties" && isObject(value)) {
      const { isReachable } = parent;
      for (const [key, inner] of Object.entries(value)) {
        yield { schema: inner, isReachable, depth, key, parent };
      }
    } else {
      for (const inner of innerSchemas(keyword, value)) yield { schema: inner, isReachable: false, depth };
    }
  }
}

function innerSchemas(keyword: string, value: object): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return OF_NAMES.has(keyword) ? Object.values(value) : [value];
}

function pathOf(place: Place): string[] {
  const path: string[] = [];
  for (let at: Place | undefined = place; at?.key !== undefined; at = at.parent) path.unshift(at.key);
  return path;
}
