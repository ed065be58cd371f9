/** A frontend behind a real socket, with the network between it and its one client. */
import type { Accept } from "../../src/core/backend.ts";
import { unbounded } from "../support/unbounded.ts";
import type { Channel } from "../../src/core/channel.ts";
import { toResponse } from "../../src/core/errors.ts";
import type { ChannelPair } from "./channel_contract.ts";
import { serveUpgrades, type UpgradeHandler } from "../support/upgrade_server.ts";
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
  return behindPath((accept) => {
    const handler = createHandler(accept);
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      try {
        return await handler(request);
      } catch (error) {
        return toResponse(error);
      }
    });
    return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
  });
}

/** As `serve`, for a frontend that takes connections over. */
export function serveSockets(createHandler: (accept: Accept) => UpgradeHandler): Served {
  return behindPath((accept) => serveUpgrades(createHandler(accept)));
}

function behindPath(start: (accept: Accept) => AsyncDisposable & { port: number }): Served {
  const accepted = Promise.withResolvers<Channel>();
  const ended = Promise.withResolvers<void>();
  const server = start((peer) => ({
    peer,
    backlog: unbounded(),
    run(channel) {
      accepted.resolve(channel);
      return ended.promise;
    },
    withdraw: () => {},
  }));
  const path = new NetworkPath(server.port);
  return {
    authority: `127.0.0.1:${path.port}`,
    accepted: accepted.promise,
    path,
    async [Symbol.asyncDispose]() {
      ended.resolve();
      await path[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
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
