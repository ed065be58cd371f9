/** The same server as echo.c, as most MCP servers are built: on Node, with JSON.parse. */
import { stdin, stdout } from "node:process";
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: stdin, crlfDelay: Infinity })) {
  const { id, method, params } = JSON.parse(line);
  if (id !== undefined && method !== undefined) answer(id, method, params);
}

function answer(id, method, params) {
  switch (method) {
    case "tools/call":
      return callEcho(id, params);
    case "initialize":
      return send({ id, result: initialized(params) });
    case "tools/list":
      return send({ id, result: { tools: [{ name: "echo", inputSchema: { type: "object" } }] } });
    case "ping":
      return send({ id, result: {} });
    default:
      return send({ id, error: { code: -32601, message: "Method not found" } });
  }
}

function initialized({ protocolVersion }) {
  return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "echo", version: "1.0.0" } };
}

function callEcho(id, { arguments: { text, fill = 0, progress = 0 }, _meta: { progressToken } = {} }) {
  const total = progressToken === undefined ? 0 : progress;
  for (let step = 1; step <= total; step++) {
    send({ method: "notifications/progress", params: { progressToken, progress: step, total } });
  }
  send({ id, result: { content: [{ type: "text", text: text + "x".repeat(fill) }] } });
}

function send(message) {
  stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}
