/** A wire to clients, as it is mounted: what it answers on which path, and where clients find it. */
import type { Wire } from "../core/backend.ts";
import type { Caller, Openness } from "../core/caller.ts";
import type { Upgrade } from "../wire/upgrade.ts";

/** Answers a request, or throws GatewayError. */
export type Handler = (request: Request, caller: Caller) => Response | Promise<Response>;
/** A handler that never throws: what it refuses is a rejection. */
export type AsyncHandler = (request: Request, caller: Caller) => Promise<Response>;
/** Lets a connection become one of another protocol, or throws GatewayError. */
export type UpgradeHandler = (request: Request, caller: Caller) => Promise<Upgrade>;

/** What is answered on one path. A path may have two routes where one of them takes upgrades and the other does not. */
export type Route = HttpRoute | UpgradeRoute;

interface HttpRoute {
  readonly path: string;
  readonly http: Handler;
  readonly below?: Below;
  readonly owns?: Owns;
  /** Who may ask that has proved nothing, whoever has to for the rest; nobody by default. */
  readonly open?: Openness;
}

/** Never open: an upgrade is the way to a server. */
interface UpgradeRoute {
  readonly path: string;
  readonly upgrade: UpgradeHandler;
}

/** Whether a request names a session of this route: it is for this one then, whoever else answers on its path. */
export type Owns = (request: Request, caller: Caller) => boolean;

/** The same handler answers one level below its path, where this stands for the last part of the path in logs. */
export type Below = `{${string}}`;

/** Where clients find a wire. */
export interface Endpoint {
  readonly label: string;
  /** How client configurations call the wire. */
  readonly type: "http" | "sse" | "ws";
  readonly url: string;
}

/** The routes that stand on these paths. */
export type RoutesAt<Paths> = (paths: Paths) => readonly Route[];

/** `Options` is all that the wire has to be told but its paths. */
export interface Frontend<Options, Paths> {
  /** As `--outputTransport` calls it. */
  readonly name: string;
  /** As sessions and logs call it. */
  readonly wire: Wire;
  /** The options that name paths where it answers plain requests, which no other route may have. */
  readonly httpPaths: readonly (keyof Paths)[];
  /** Makes what its sessions are kept in, once; they are found on all paths that the answer is asked for. */
  serve(options: Options): RoutesAt<Paths>;
  /** The URL that clients are told, below this base: `http://host:port`, and more where a proxy is in front. */
  endpoint(paths: Paths, base: string): Endpoint;
}
