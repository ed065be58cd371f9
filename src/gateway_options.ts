/** How many sessions there are, and how long the gateway lives. */
import { option, section } from "./options/section.ts";
import { duration, onOff, wholeNumber } from "./options/values.ts";

/** Of the sessions of one server. */
export const sessionOptions = section({
  maxSessions: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "sessions at a time",
    default: 100,
  }),
  maxSessionsPerPrincipal: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description:
      "sessions of one principal at a time, and of one address (IPv6: one /64) where nobody is known (default: {maxSessions})",
  }),
  evictAfter: option(duration({ min: 0 }), {
    value: "<time>",
    description:
      "a session without open request or stream that has been idle for so long may be ended to make room",
    default: "1m",
  }),
  queueTimeout: option(duration({ min: 0 }), {
    value: "<time>",
    description:
      "how long a client waits for room where {maxSessions}, {maxSessionsPerPrincipal} or {maxChildren} is reached",
    default: "5s",
  }),
  maxOpenRequests: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "open requests of one session",
    default: 1000,
  }),
}, (values) => ({
  maxSessions: values.maxSessions,
  /** By default as many as there may be at all. */
  maxSessionsPerPrincipal: values.maxSessionsPerPrincipal,
  /** From which idle time on a session may be ended to make room. */
  evictAfterMs: values.evictAfter,
  /** How long a client waits for such room. */
  queueTimeoutMs: values.queueTimeout,
  /** Of one session, and of all stateless callers together. */
  maxOpenRequests: values.maxOpenRequests,
}));

/** When it stops, and how. */
export const lifetimeOptions = section({
  exitWithParent: option(onOff(), {
    description: "stop when the process that started Keystone has ended",
    bare: "true",
    default: false,
  }),
  watch: option(onOff(), {
    description: "read the configuration file anew whenever it changes (on SIGHUP in any case)",
    bare: "true",
    default: false,
  }),
  idleExit: option(duration({ min: 1 }), {
    value: "<time>",
    description: "stop when no request, stream or socket has been open for so long (default: never)",
  }),
  shutdownTimeout: option(duration({ min: 0 }), {
    value: "<time>",
    description: "time for open requests when Keystone is stopped or its stdin ends",
    default: "5s",
  }),
}, ({ exitWithParent, watch, idleExit, shutdownTimeout }) => ({
  exitWithParent,
  watch,
  idleExitMs: idleExit,
  shutdownTimeoutMs: shutdownTimeout,
}));
