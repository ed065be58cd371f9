/** A server of the modern era in memory, and the clients who share it. */
import { ModernServer } from "../../src/adapters/era/modern_server.ts";
import type { ServerForManyOptions } from "../../src/adapters/sharing/server_for_many.ts";
import { type Envelope, memoryChannels } from "../../src/core/channel.ts";
import { MetaKey } from "../../src/core/mcp/request_meta.ts";
import type {
  JsonRpcNotification,
  JsonRpcRequest,
  Params,
  RequestId,
} from "../../src/core/message/jsonrpc.ts";
import { FarEnd } from "./far_end.ts";
import { notification, request } from "./messages.ts";
import { type Recorder, recorder } from "./recorder.ts";

/** What each request has to say of itself. */
export const REQUEST_META = {
  [MetaKey.revision]: "2026-07-28",
  [MetaKey.capabilities]: {},
};

/** A request of the modern era; `meta` is what else it says in `_meta`. */
export function modern(id: RequestId, method = "tools/call", meta: Params = {}): JsonRpcRequest {
  return request(id, method, { _meta: { ...REQUEST_META, ...meta } });
}

/** A notification of the stream that has this id. */
export function ofStream(
  id: unknown,
  method = "notifications/tools/list_changed",
  params: Params = {},
): JsonRpcNotification {
  return notification(method, { ...params, _meta: { [MetaKey.subscription]: id } });
}

export interface ModernServerRig extends Recorder {
  readonly shared: ModernServer;
  readonly server: FarEnd;
  join(): FarEnd;
}

export function modernServerRig(options: Partial<ServerForManyOptions> = {}): ModernServerRig {
  const [server, serverEnd] = memoryChannels();
  const record = recorder();
  const shared = new ModernServer({
    server: serverEnd,
    incoming: serverEnd.incoming,
    maxBufferedMessages: 10_000,
    maxBufferedBytes: 1 << 26,
    session: "modern",
    emit: record.emit,
    ...options,
  });
  return { ...record, shared, server: new FarEnd(server), join: () => new FarEnd(shared.join()) };
}

/** The next message of a client, and which of its requests it belongs to. */
export async function heard(client: FarEnd): Promise<Pick<Envelope, "message" | "relatesTo">> {
  const { message, relatesTo } = await client.next();
  return { message, relatesTo };
}
