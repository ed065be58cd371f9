// Provisional.
import { isObject, type JsonRpcMessage, type Params } from "../message/jsonrpc.ts";

export interface MirroredParam {
  readonly header: string;
  readonly path: readonly string[];
}

export function mirroredParams(schema: unknown): readonly MirroredParam[] | string {
  const found: MirroredParam[] = [];
  const visit = (node: unknown, path: readonly string[]): string | undefined => {
    if (!isObject(node)) return undefined;
    const name = node["x-mcp-header"];
    if (name !== undefined) {
      if (typeof name !== "string" || !/^[!#$%&'*+\-.^_`|~\w]+$/.test(name)) return "no token";
      if (!["string", "integer", "boolean"].includes(`${node.type}`)) return "not primitive";
      found.push({ header: name, path });
    }
    if (isObject(node.properties)) {
      for (const [key, value] of Object.entries(node.properties)) {
        const fault = visit(value, [...path, key]);
        if (fault) return fault;
      }
    }
    return undefined;
  };
  return visit(schema, []) ?? found;
}

export function encoded(value: string): string {
  const safe = /^[\x20-\x7e]*$/.test(value) && value.trim() === value && !/^=\?base64\?.*\?=$/.test(value);
  return safe ? value : `=?base64?${new TextEncoder().encode(value).toBase64()}?=`;
}

export function paramHeaders(params: readonly MirroredParam[], args: unknown): Record<string, string> {
  return Object.fromEntries(params.flatMap(({ header, path }) => {
    let value = args;
    for (const key of path) value = isObject(value) ? value[key] : undefined;
    return value === undefined || value === null
      ? []
      : [[`mcp-param-${header.toLowerCase()}`, encoded(`${value}`)]];
  }));
}

export function mirroredName({ method, params }: { method: string; params?: Params }): string | undefined {
  const value = method === "tools/call" || method === "prompts/get"
    ? params?.name
    : method === "resources/read"
    ? params?.uri
    : undefined;
  return typeof value === "string" ? value : undefined;
}
export type _ = JsonRpcMessage;
