/** A channel to a remote over Streamable HTTP whose answers are the test's. */
import type { RemoteOptions } from "../../src/backends/remote/remote.ts";
import { streamableBackend } from "../../src/backends/remote/streamable.ts";
import { LAUNCH } from "./fake_backend.ts";
import { FarEnd } from "./far_end.ts";
import { type Asked, json, loopback, remoteOptions } from "./loopback.ts";
import { request, result } from "./messages.ts";
import { recorder } from "./recorder.ts";

export type Answer = (asked: Asked) => Response | Promise<Response>;

/** A channel to a server with this answer to each request that is not the handshake. */
export async function streamableRig(
  answer: Answer,
  options: Partial<RemoteOptions> = {},
  handshake: Answer = accepted,
) {
  const server = loopback((asked) => asked.body.includes('"initialize"') ? handshake(asked) : answer(asked));
  const record = recorder();
  const backend = streamableBackend(remoteOptions(server.url, { emit: record.emit, ...options }));
  const channel = await backend.open(LAUNCH, new AbortController().signal);
  return {
    server,
    channel,
    /** Says what a client says, and hears what it hears. */
    client: new FarEnd(channel),
    url: server.url.href,
    troubles: () => record.told("server.trouble").map(({ reason }) => reason),
    oddities: () => record.told("server.odd").map(({ reason }) => reason),
    async [Symbol.asyncDispose]() {
      await channel[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function accepted(): Response {
  return json(result("init", { protocolVersion: "2025-06-18" }), { "Mcp-Session-Id": "s1" });
}

/** The first half of the handshake: the session is there, and the server's own stream is asked for. */
export async function initialize({ client }: { client: FarEnd }): Promise<void> {
  client.say(request("init", "initialize"));
  await client.hear();
}
