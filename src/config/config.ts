/** A whole configuration: what the process has once, and what each server has. Nothing inside has a default of its own. */
import {
  childrenOptions,
  handshakeOptions,
  heartbeatOptions,
  memoryOptions,
  restartOptions,
} from "../adapters/options.ts";
import { processOptions } from "../backends/process/options.ts";
import { remoteOptions } from "../backends/remote/options.ts";
import { messageOptions } from "../core/message/options.ts";
import { bufferOptions, eventOptions, requestOptions, unreadOptions } from "../core/options.ts";
import { bodyOptions, clientOptions, routeOptions, type Transport } from "../frontends/options.ts";
import { streamableOptions } from "../frontends/streamable/options.ts";
import { lifetimeOptions, sessionOptions } from "../gateway_options.ts";
import { listenOptions } from "../listener/options.ts";
import { logOptions } from "../observe/options.ts";
import { callerOptions } from "../overrides/options.ts";
import { filterOptions, originOptions } from "../policies/options.ts";
import type { Options } from "./options.ts";
import type { ServerInput } from "./server_input.ts";

export interface Config {
  readonly process: ProcessConfig;
  /** By name. */
  readonly servers: ReadonlyMap<string, ServerConfig>;
}

/** What all servers share, by the module that takes it. */
export type ProcessConfig = ReturnType<typeof processConfig>;
/** All that concerns one server and its clients. */
export type ServerConfig = ReturnType<typeof serverConfig>;

export interface Served {
  readonly server: ServerInput;
  readonly transports: readonly Transport[];
}

/** The one server of a command line. */
export function configOf(values: Options, served: Served): Config {
  const servers = new Map([[served.server.name, serverConfig(values, served)]]);
  return { process: processConfig(values), servers };
}

function processConfig(values: Options) {
  return {
    listen: listenOptions.settings(values),
    origins: originOptions.settings(values),
    clients: clientOptions.settings(values),
    bodies: bodyOptions.settings(values),
    unread: unreadOptions.settings(values),
    log: logOptions.settings(values),
    lifetime: lifetimeOptions.settings(values),
  };
}

function serverConfig(values: Options, served: Served) {
  return {
    ...served,
    ...processOptions.settings(values),
    ...remoteOptions.settings(values),
    ...childrenOptions.settings(values),
    ...handshakeOptions.settings(values),
    ...restartOptions.settings(values),
    ...memoryOptions.settings(values),
    ...heartbeatOptions.settings(values),
    paths: routeOptions.settings(values),
    ...streamableOptions.settings(values),
    ...messageOptions.settings(values),
    ...requestOptions.settings(values),
    ...filterOptions.settings(values),
    ...bufferOptions.settings(values),
    ...eventOptions.settings(values),
    ...sessionOptions.settings(values),
    ...callerOptions.settings(values),
  };
}
