/** Who answers what comes on the connections of a listener, and what else all of them have in common. */
import type { Caller } from "../core/caller.ts";
import type { Sink } from "../core/events.ts";
import type { Upgrade } from "../wire/upgrade.ts";
import type { Inside } from "./inside.ts";
import type { ServeConnection } from "./runtime.ts";
import type { TlsInside } from "./tls_inside.ts";

/** Answers what comes on connections. */
export interface Service {
  request(request: Request, caller: Caller): Response | Promise<Response>;
  /** The handshake of a WebSocket, or an answer that refuses it; undefined where no route is for one. */
  upgrade(request: Request, caller: Caller): Upgrade | Response | Promise<Upgrade | Response> | undefined;
}

/** What all connections of a listener have in common. */
export interface Surroundings {
  readonly service: Service;
  /** Where connections are encrypted. */
  readonly tls: TlsInside | undefined;
  readonly maxHeaderBytes: number;
  /** Where the runtime can take a connection over. */
  readonly serve: ServeConnection | undefined;
  readonly inside: Inside;
  readonly emit: Sink;
  readonly onError: (error: unknown) => Response;
}
