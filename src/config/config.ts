/** A whole configuration: what the process has once, and what each server has. Nothing inside has a default of its own. */
import {
  childrenOptions,
  eraOptions,
  handshakeOptions,
  heartbeatOptions,
  memoryOptions,
  restartOptions,
} from "../adapters/options.ts";
import { adminOptions } from "../admin/options.ts";
import { jwtOptions } from "../auth/jwt/options.ts";
import { authOptions } from "../auth/options.ts";
import { scopeOptions } from "../auth/scopes/options.ts";
import { processOptions } from "../backends/process/options.ts";
import { remoteOptions } from "../backends/remote/options.ts";
import { messageOptions } from "../core/message/options.ts";
import { bufferOptions, eventOptions, requestOptions, unreadOptions } from "../core/options.ts";
import { bodyOptions, clientOptions, routeOptions, type Transport } from "../frontends/options.ts";
import { streamableOptions } from "../frontends/streamable/options.ts";
import { lifetimeOptions, sessionOptions } from "../gateway_options.ts";
import { listenOptions } from "../listener/options.ts";
import { auditOptions } from "../observe/audit/options.ts";
import { logOptions } from "../observe/options.ts";
import { callerOptions } from "../overrides/options.ts";
import { accessOptions } from "../policies/access_options.ts";
import { filterOptions, originOptions } from "../policies/options.ts";
import { promptOptions } from "../prompt/options.ts";
import { stateOptions } from "../state/options.ts";
import { tlsOptions } from "../tls/options.ts";
import type { Options, ProcessKey, ServerKey } from "./options.ts";
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
  /** For people who look for the right server. */
  readonly description?: string;
}

/** A section of another kind than is written here does not fit: `options.ts` says which options are whose. */
export function processConfig(values: Pick<Options, ProcessKey>) {
  return {
    listen: listenOptions.settings(values),
    tls: tlsOptions.settings(values),
    origins: originOptions.settings(values),
    access: accessOptions.settings(values),
    auth: authOptions.settings(values),
    jwt: jwtOptions.settings(values),
    clients: clientOptions.settings(values),
    bodies: bodyOptions.settings(values),
    unread: unreadOptions.settings(values),
    log: logOptions.settings(values),
    audit: auditOptions.settings(values),
    admin: adminOptions.settings(values),
    prompt: promptOptions.settings(values),
    state: stateOptions.settings(values),
    lifetime: lifetimeOptions.settings(values),
  };
}

export function serverConfig(values: Pick<Options, ServerKey>, served: Served) {
  return {
    ...served,
    ...processOptions.settings(values),
    ...remoteOptions.settings(values),
    ...childrenOptions.settings(values),
    ...handshakeOptions.settings(values),
    ...eraOptions.settings(values),
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
    ...scopeOptions.settings(values),
  };
}
