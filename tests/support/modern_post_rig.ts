/** Streamable HTTP of both eras behind a real listener, and a gateway whose servers the test plays. */
import type { Caller } from "../../src/core/caller.ts";
import { toResponse } from "../../src/core/errors.ts";
import type { JsonRpcRequest } from "../../src/core/message/jsonrpc.ts";
import { streamable, type StreamableOptions } from "../../src/frontends/streamable/streamable.ts";
import { Listener } from "../../src/listener/listener.ts";
import { DEADLINE_MS } from "../contract/deadline.ts";
import { gatewayRig } from "./gateway_rig.ts";
import { post, type PostOptions } from "./rpc.ts";
import { looseBodies, looseUnread } from "./waiting_limits.ts";

const LIMITS = {
  ...{
    maxConnections: 100,
    maxConnectionsPerAddress: 100,
    headerTimeoutMs: DEADLINE_MS,
    idleTimeoutMs: DEADLINE_MS,
  },
  ...{
    stallTimeoutMs: DEADLINE_MS,
    maxWholeBytes: 1_000,
    hostname: "127.0.0.1",
    port: 0,
    maxHeaderBytes: 64 * 1024,
  },
};

/** Who says that he is somebody, in the field `x-principal`, is believed. */
export type ModernPostRig = ReturnType<typeof modernPostRig>;

export function modernPostRig(options: Partial<StreamableOptions> = {}) {
  const rig = gatewayRig();
  const handler = streamable({
    ...{ accept: rig.gateway.accept, stopping: rig.gateway.stopping, stateful: false, replyMode: "auto" },
    ...{
      keepAliveMs: 60_000,
      sessionTimeoutMs: 600_000,
      maxBufferedMessages: 100,
      maxBufferedBytes: 1 << 20,
    },
    ...{ bodies: looseBodies(1 << 20), unread: looseUnread(), emit: rig.emit },
    ...options,
  });
  const service = {
    request(request: Request, caller: Caller) {
      const name = request.headers.get("x-principal");
      if (name !== null) caller.identify({ name });
      return handler(request, caller).catch(toResponse);
    },
    upgrade: () => undefined,
  };
  const listener = new Listener({ ...LIMITS, service, emit: rig.emit });
  const url = `http://127.0.0.1:${listener.addr.port}/mcp`;
  return {
    ...rig,
    url,
    /** The server that answers those who come without a session. */
    server: () => rig.shared.last(),
    post: (body: unknown, posted?: PostOptions) => post(url, body, posted),
    /** With the headers that go with it, but for those that are named. */
    ask: (body: JsonRpcRequest, { headers, ...posted }: PostOptions = {}) =>
      post(url, body, { ...posted, headers: { ...modernHeaders(body), ...headers } }),
    async [Symbol.asyncDispose]() {
      await rig.gateway[Symbol.asyncDispose]();
      await listener.shutdown();
      await listener.ended;
    },
  };
}

export function modernHeaders({ method, params = {} }: JsonRpcRequest): Record<string, string> {
  const { name, uri } = params;
  return {
    ...{ "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method },
    ...typeof name === "string" && { "Mcp-Name": name },
    ...typeof uri === "string" && { "Mcp-Name": uri },
  };
}
