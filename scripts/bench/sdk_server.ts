/** The same server as echo.c, of 2026-07-28 and over HTTP, as the SDK makes one. */
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";

const [port] = Deno.args;

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "echo", version: "1.0.0" });
  server.registerTool("echo", { inputSchema: z.object({ text: z.string() }) }, ({ text }) => ({
    content: [{ type: "text", text }],
  }));
  return server;
}, { legacy: "reject" });

Deno.serve({ hostname: "127.0.0.1", port: Number(port) }, (request) => handler.fetch(request));
