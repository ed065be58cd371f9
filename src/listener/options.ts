/** Where connections are accepted, and how many. */
import { listenHost } from "../options/network_values.ts";
import { option, section } from "../options/section.ts";
import { duration, size, wholeNumber } from "../options/values.ts";

/** Of the one listening socket. */
export const listenOptions = section({
  host: option(listenHost(), {
    value: "<host>",
    description: "address to listen on",
    default: "127.0.0.1",
    common: true,
  }),
  port: option(wholeNumber({ min: 0, max: 65535 }), {
    value: "<port>",
    description: "port; 0 takes a free one",
    default: 8000,
    common: true,
  }),
  maxConnections: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description:
      "connections at a time, the idlest gives way (default: what the limit of open files leaves, 10000 at most)",
  }),
  maxConnectionsPerAddress: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "connections of one address (IPv6: one /64) other than loopback (default: half of all)",
  }),
  maxHeaderSize: option(size(), {
    value: "<size>",
    description: "head of the first request on a connection",
    default: "64k",
  }),
  headerTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description: "time for a new connection to bring a complete request head",
    default: "10s",
  }),
  idleTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description: "ends a connection that has been without a request for so long, twice as long at most",
    default: "75s",
  }),
}, (values) => ({
  host: values.host,
  port: values.port,
  /** By default what the limit of open files leaves, and half of that. */
  maxConnections: values.maxConnections,
  maxConnectionsPerAddress: values.maxConnectionsPerAddress,
  maxHeaderBytes: values.maxHeaderSize,
  headerTimeoutMs: values.headerTimeout,
  idleTimeoutMs: values.idleTimeout,
}));
