/** What a server asks before it has answered `initialize`: nobody is there yet who could be asked, and it may wait for it. */
import type { Channel } from "../core/channel.ts";
import { RpcCode } from "../core/errors.ts";
import { Method } from "../core/mcp/methods.ts";
import { errorOf, type JsonRpcRequest, resultOf } from "../core/message/jsonrpc.ts";
import { quoted } from "../base/outside.ts";

/** At once: nothing but a ping may come so early (MCP lifecycle page, "Initialization"). */
export function answerEarly(server: Channel, { id, method }: JsonRpcRequest): Promise<void> | void {
  if (method === Method.ping) return server.send({ message: resultOf(id, {}) });
  const message = `${quoted(method)} cannot be asked before initialize is answered`;
  return server.send({ message: errorOf(id, { code: RpcCode.methodNotFound, message }) });
}
