/** Which server process answers whom, how many there are, and what becomes of one that ends. */
import { NEWEST, REVISIONS } from "../core/mcp/revisions.ts";
import { option, section } from "../options/section.ts";
import { choice, duration, onOff, size, wholeNumber } from "../options/values.ts";

/** How many, and when they start. */
export const childrenOptions = section({
  children: option(choice(["auto", "session", "principal", "shared", "request"]), {
    value: "<mode>",
    description:
      "one server process for each session, principal, request, or one shared by all; auto is session, " +
      "and principal for stateless callers",
    default: "auto",
  }),
  prewarm: option(wholeNumber({ min: 0 }), {
    value: "<count>",
    description: "children started ahead, where each session or request gets one",
    default: 0,
  }),
  maxChildren: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "children at a time",
    default: 100,
  }),
  tryAtStart: option(onOff(), {
    description:
      "start the server at once, to tell if that cannot be done; it is kept where all share it, else stopped again",
    bare: "true",
    default: true,
  }),
  exitOnFailure: option(onOff(), {
    description: "end with code 1 when the server cannot be started at once",
    bare: "true",
    default: false,
  }),
});
/** The handshake that the gateway plays. */
export const handshakeOptions = section({
  startTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description:
      "time for a handshake that Keystone plays: with a shared server, or one that was started again",
    default: "60s",
  }),
  protocolVersion: option(choice([...REVISIONS].reverse()), {
    value: "<version>",
    description: "MCP version offered where Keystone plays the handshake",
    default: NEWEST,
  }),
}, ({ startTimeout, protocolVersion }) => ({
  startTimeoutMs: startTimeout,
  protocolVersion,
}));

/** Servers and clients of different eras, and the calls whose clients are asked something. */
export const eraOptions = section({
  serverEra: option(choice(["auto", "legacy", "modern"]), {
    value: "<era>",
    description:
      "how the server is spoken to: legacy with a handshake (until 2025-11-25), modern without one (since " +
      "2026-07-28); auto asks it",
    default: "auto",
  }),
  eraProbeTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description: "time for a server to say whether it is a modern one; without an answer it is not",
    default: "5s",
  }),
  parkedTtl: option(duration({ min: 1 }), {
    value: "<time>",
    description: "how long a call waits for a modern client to come again with the answers it was asked for",
    default: "5m",
  }),
  maxParkedCalls: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "calls that wait so at a time",
    default: 1000,
  }),
  maxParkedPerPrincipal: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "the same of one principal, or of all callers whom nobody knows",
    default: 100,
  }),
}, (values) => ({
  serverEra: values.serverEra,
  eraProbeTimeoutMs: values.eraProbeTimeout,
  parkedCalls: {
    ttlMs: values.parkedTtl,
    maxCalls: values.maxParkedCalls,
    maxPerPrincipal: values.maxParkedPerPrincipal,
  },
}));

/** A server that ended by itself. */
export const restartOptions = section({
  restart: option(choice(["on-failure", "always", "never"]), {
    value: "<when>",
    description:
      "a child that ended by itself is started again on-failure, always or never; after a good end " +
      "on-failure waits for the next request",
    default: "on-failure",
  }),
  restartDelay: option(duration({ min: 0 }), {
    value: "<time>",
    description:
      "longest pause before the second restart in a row; the first has none, and it doubles each time",
    default: "500ms",
  }),
  restartMaxDelay: option(duration({ min: 0 }), {
    value: "<time>",
    description: "longest pause of all before a restart",
    default: "30s",
  }),
  crashLimit: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description:
      "so many ends of children that had answered no call yet, within {crashWindow}, are a failed server",
    default: 5,
  }),
  crashWindow: option(duration({ min: 1 }), {
    value: "<time>",
    description: "how long such an end counts",
    default: "1m",
  }),
  crashProbe: option(duration({ min: 1 }), {
    value: "<time>",
    description: "pause between tries to start a failed server",
    default: "30s",
  }),
}, (values) => ({
  restart: values.restart,
  /** Pauses between restarts in a row. */
  restartDelay: { firstDelayMs: values.restartDelay, maxDelayMs: values.restartMaxDelay },
  /** When a server that keeps ending counts as failed, and when it is tried again. */
  crash: { limit: values.crashLimit, windowMs: values.crashWindow, probeMs: values.crashProbe },
}));

/** What is remembered of a session, to tell it to the next server. */
export const memoryOptions = section({
  maxSubscriptions: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "resources that one session may be subscribed to",
    default: 500,
  }),
  maxUriLength: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description:
      "characters of the URI of a subscription, of an update that is brought to subscribers, and of what a filter lets through",
    default: 8192,
  }),
  maxHandshakeSize: option(size(), {
    value: "<size>",
    description: "what a client says of itself in initialize",
    default: "256k",
  }),
}, (values) => ({
  maxSubscriptions: values.maxSubscriptions,
  maxUriChars: values.maxUriLength,
  maxHandshakeChars: values.maxHandshakeSize,
}));

/** What a client hears of a call that takes long. */
export const heartbeatOptions = section({
  progressHeartbeat: option(duration({ min: 1 }), {
    value: "<time>",
    description:
      "a call that asked for progress is told that it still runs after so much silence (default: never)",
  }),
}, ({ progressHeartbeat }) => ({ progressHeartbeatMs: progressHeartbeat }));
