/**
 * The keys by which a modern server finds out what a call is about. One that passes for the log level, for instance,
 * would have the server tell of a call that nobody has counted among those that want it, and another client would hear it.
 */
import { MetaKey } from "../../../core/mcp/request_meta.ts";
import { RoutingKeys } from "../../../core/message/routing_keys.ts";
import { type CallKeys, GENERAL } from "../../sharing/known_keys.ts";

export const MODERN_KEYS: CallKeys = {
  inParams: new RoutingKeys(...GENERAL),
  inMeta: new RoutingKeys(...GENERAL, ...Object.values(MetaKey)),
  // From a client it could only name a stream of somebody's.
  ofServers: MetaKey.subscription,
};
