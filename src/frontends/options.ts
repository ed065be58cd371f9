/** How clients are served. */
import * as z from "zod";
import { baseUrl, httpPath, network, pathPrefix } from "../options/network_values.ts";
import { option, section, type SettingsOf } from "../options/section.ts";
import { choice, duration, size } from "../options/values.ts";
import { FRONTENDS } from "./mod.ts";

/** Wires that clients can be served on, in the order in which they are announced. */
export const NETWORK_TRANSPORTS = FRONTENDS.map(({ name }) => name);
const TRANSPORTS = [...NETWORK_TRANSPORTS, "stdio"] as const;
export type Transport = typeof TRANSPORTS[number];

/** Which wires, and where; which ones by default depends on the server. */
export const routeOptions = section({
  outputTransport: option(z.array(choice(TRANSPORTS)), {
    value: "<names>",
    description:
      `how clients are served: any of ${NETWORK_TRANSPORTS.join(", ")} and stdio, joined by commas or ` +
      "repeated (default: stdio for a remote server, all others for a command)",
    list: "commas",
    common: true,
  }),
  streamableHttpPath: option(httpPath(), {
    value: "<path>",
    description: "Streamable HTTP",
    default: "/mcp",
  }),
  ssePath: option(httpPath(), {
    value: "<path>",
    description: "SSE: the event stream",
    default: "/sse",
  }),
  messagePath: option(httpPath(), {
    value: "<path>",
    description: "SSE: where clients post their messages",
    default: "/message",
  }),
  wsPath: option(httpPath(), {
    value: "<path>",
    description: "WebSocket",
    default: "/ws",
  }),
}, (values) => ({
  streamableHttpPath: values.streamableHttpPath,
  ssePath: values.ssePath,
  messagePath: values.messagePath,
  wsPath: values.wsPath,
}));

export type Paths = SettingsOf<typeof routeOptions>;

/** What all clients meet. */
export const clientOptions = section({
  baseUrl: option(baseUrl(), {
    value: "<url>",
    description:
      "what clients must put before the paths, a URL or a path: the SSE endpoint event has it, and a URL the banner",
    default: "",
  }),
  basePath: option(pathPrefix(), {
    value: "<path>",
    description:
      "what stands before all paths here, for a proxy in front that passes requests on as they came",
    default: "",
  }),
  trustProxy: option(z.array(network()), {
    value: "<networks>",
    description:
      "proxies in front whose word counts, joined by commas or repeated: X-Forwarded-For or Forwarded for who calls, " +
      "X-Forwarded-Prefix, -Proto and -Host for what clients are told",
    list: "commas",
    default: [],
  }),
  healthEndpoint: option(z.array(httpPath()), {
    value: "<paths...>",
    description: 'paths that answer "ok"; /health reports in any case',
    list: "greedy",
    default: [],
  }),
  keepAlive: option(duration({ min: 1 }), {
    value: "<time>",
    description: "pause between signs of life on open streams",
    default: "15s",
  }),
}, ({ baseUrl, basePath, trustProxy, healthEndpoint, keepAlive }) => ({
  /** Empty, a URL or a path, without a slash at its end. */
  baseUrl,
  /** Empty, or a path without a slash at its end. */
  basePath,
  /** Networks, as `10.0.0.0/8`. */
  trustProxy,
  /** May hold `/health`, which then answers as the others do. */
  healthEndpoints: [...new Set(healthEndpoint)],
  keepAliveMs: keepAlive,
}));

export type ClientSettings = SettingsOf<typeof clientOptions>;

/** The bodies of all requests together. */
export const bodyOptions = section({
  maxBodiesInFlight: option(size(), {
    value: "<size>",
    description: "bodies of all requests together that are on their way or waiting to be passed on",
    default: "128m",
  }),
  bodyTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description: "time for the whole body of a request to arrive",
    default: "60s",
  }),
}, ({ maxBodiesInFlight, bodyTimeout }) => ({
  maxBodiesBytes: maxBodiesInFlight,
  bodyTimeoutMs: bodyTimeout,
}));
