/** A frontend behind a real socket, with the network between it and its one client. */
import type { Accept } from "../../src/core/backend.ts";
import { unbounded } from "../../src/core/backlog.ts";
import type { Channel } from "../../src/core/channel.ts";
import { toResponse } from "../../src/core/errors.ts";
import type { ChannelPair } from "./channel_contract.ts";
import { NetworkPath } from "./network_path.ts";

type Handler = (request: Request) => Response | Promise<Response>;

export interface Served extends AsyncDisposable {
  /** `127.0.0.1:port`, through the network path. */
  readonly authority: string;
  /** The channel that the frontend hands to `accept`. */
  readonly accepted: Promise<Channel>;
  readonly path: NetworkPath;
}

/** Serves what the frontend makes of an `accept` that takes the first client and keeps it. */
export function serve(createHandler: (accept: Accept) => Handler): Served {
  const accepted = Promise.withResolvers<Channel>();
  const ended = Promise.withResolvers<void>();
  const handler = createHandler((peer) => ({
    peer,
    backlog: unbounded(),
    run(channel) {
      accepted.resolve(channel);
      return ended.promise;
    },
    withdraw: () => {},
  }));
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      return toResponse(error);
    }
  });
  const path = new NetworkPath(server.addr.port);
  return {
    authority: `127.0.0.1:${path.port}`,
    accepted: accepted.promise,
    path,
    async [Symbol.asyncDispose]() {
      ended.resolve();
      await path[Symbol.asyncDispose]();
      await server.shutdown();
    },
  };
}

/** The two ends of the wire that a client has opened to what is served. */
export function pairOf(served: Served, near: Channel, far: Channel): ChannelPair {
  const { path } = served;
  return {
    near,
    far,
    vanish: () => path.cut(),
    stall: () => path.stall(),
    resume: () => path.resume(),
    async [Symbol.asyncDispose]() {
      path.resume();
      await near[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
      await served[Symbol.asyncDispose]();
    },
  };
}
