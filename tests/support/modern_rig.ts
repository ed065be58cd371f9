/** A channel of 2026-07-28 to a remote whose answers are the test's. */
import type { RemoteOptions } from "../../src/backends/remote/remote.ts";
import { streamableBackend } from "../../src/backends/remote/streamable.ts";
import type { Launch } from "../../src/core/backend.ts";
import type { JsonRpcRequest, Params, RequestId } from "../../src/core/message/jsonrpc.ts";
import { LAUNCH } from "./fake_backend.ts";
import { FarEnd } from "./far_end.ts";
import { type Asked, loopback, remoteOptions } from "./loopback.ts";
import { request } from "./messages.ts";
import { recorder } from "./recorder.ts";

type Answer = (asked: Asked) => Response | Promise<Response>;

export const MODERN: Launch = { ...LAUNCH, era: "modern" };

export const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "c", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
} as const;

/** A request that says of itself what it is. */
export function modern(id: RequestId, method = "tools/call", params: Params = {}): JsonRpcRequest {
  const own = params._meta;
  return request(id, method, { ...params, _meta: { ...META, ...own as Params } });
}

export async function modernRig(answer: Answer, options: Partial<RemoteOptions> = {}) {
  const server = loopback(answer);
  const record = recorder();
  const backend = streamableBackend(remoteOptions(server.url, { emit: record.emit, ...options }));
  const open = (launch = MODERN) => backend.open(launch, new AbortController().signal);
  const channel = await open();
  return {
    server,
    channel,
    client: new FarEnd(channel),
    url: server.url.href,
    /** Another channel of the same backend. */
    open,
    /** What was posted, by method. */
    posted: () => server.asked.map(({ body }) => JSON.parse(body).method),
    troubles: () => record.told("server.trouble").map(({ reason }) => reason),
    oddities: () => record.told("server.odd").map(({ reason }) => reason),
    dropped: () => record.told("message.dropped").map(({ direction, reason }) => `${direction}: ${reason}`),
    async [Symbol.asyncDispose]() {
      await channel[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
