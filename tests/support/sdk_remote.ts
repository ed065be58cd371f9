/** A remote server of 2026-07-28 on the v2 SDK, which validates what it is sent. */
import { acceptedContent, createMcpHandler, inputRequired, McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { type Asked, type Loopback, loopback } from "./loopback.ts";

interface SdkRemote extends Loopback {
  /** Tells whoever listens that the tools are other ones now. */
  changeTools(): void;
  /** Settles when the call of `wait` was cancelled. */
  readonly cancelled: Promise<void>;
}

/** `legacy`: whether it serves clients of earlier revisions, too. */
export function sdkRemote({ legacy = false } = {}): SdkRemote {
  const cancelled = Promise.withResolvers<void>();
  const handler = createMcpHandler(() => makeServer(cancelled.resolve), {
    legacy: legacy ? "stateless" : "reject",
    keepAliveMs: 0,
  });
  const server = loopback((asked) => handler.fetch(requestOf(asked)));
  return {
    ...server,
    changeTools: () => handler.notify.toolsChanged(),
    cancelled: cancelled.promise,
    async [Symbol.asyncDispose]() {
      await handler.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The body was read. */
function requestOf({ request, body }: Asked): Request {
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, signal, ...body !== "" && { body } });
}

function makeServer(onCancelled: () => void): McpServer {
  const server = new McpServer({ name: "sdk", version: "1.0.0" });
  const region = z.string().meta({ "x-mcp-header": "Region" });
  const limit = z.object({ rows: z.int().meta({ "x-mcp-header": "Rows" }) }).optional();
  server.registerTool("sql", { inputSchema: z.object({ region, limit }) }, ({ region }) => ({
    content: [{ type: "text", text: region }],
  }));
  server.registerTool("wait", { inputSchema: z.object({}) }, async (_, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken ?? "none";
    await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress: 1 } });
    await new Promise<void>((resolve) => mcpReq.signal.addEventListener("abort", () => resolve()));
    onCancelled();
    return { content: [] };
  });
  server.registerTool("ask", { inputSchema: z.object({}) }, (_, { mcpReq }) => {
    const name = acceptedContent<{ name: string }>(mcpReq.inputResponses, "name")?.name;
    if (name !== undefined) return { content: [{ type: "text", text: name }] };
    const requestedSchema = { type: "object", properties: { name: { type: "string" } } } as const;
    const elicit = inputRequired.elicit({ message: "Who?", requestedSchema });
    return inputRequired({ inputRequests: { name: elicit } });
  });
  return server;
}
