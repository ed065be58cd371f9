/** What a session may hold and how long its requests may take, and what is kept for all of them. */
import { timesByGlob } from "../options/glob_values.ts";
import { option, section, type SettingsOf } from "../options/section.ts";
import { choice, duration, size, wholeNumber } from "../options/values.ts";

/** Of each request. */
export const requestOptions = section({
  requestTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description: "time for the server to answer a request, counted anew at each progress (default: none)",
  }),
  callTimeout: option(timesByGlob(), {
    value: "<tools=time>",
    description:
      "in place of {requestTimeout} for calls of tools that fit, as search_*=2m or slow=none; the first counts, " +
      "and {maxRequestTime} goes on counting",
    list: "repeated",
    default: [],
  }),
  maxRequestTime: option(duration({ min: 1 }), {
    value: "<time>",
    description: "time for a request whatever its progress",
    default: "24h",
  }),
  maxIdLength: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "characters of the id, the progress token and the method of a request",
    default: 1024,
  }),
}, (values) => ({
  /** Since the request, or its last progress. */
  requestTimeoutMs: values.requestTimeout,
  /** In place of that, for calls of some tools. */
  callTimeouts: values.callTimeout,
  /** Since the request, whatever its progress. */
  maxRequestMs: values.maxRequestTime,
  maxIdChars: values.maxIdLength,
}));

/** Messages of one session that may wait, each way. */
export const bufferOptions = section({
  maxBufferedMessages: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "messages of one session that may wait: for a slow server, or for a stream to open",
    default: 1000,
  }),
  maxBufferedSize: option(size(), {
    value: "<size>",
    description: "how large such waiting messages may be together",
    default: "64m",
  }),
}, ({ maxBufferedMessages, maxBufferedSize }) => ({
  maxBufferedMessages,
  maxBufferedBytes: maxBufferedSize,
}));

/** What all clients together have not read. */
export const unreadOptions = section({
  maxUnreadSize: option(size(), {
    value: "<size>",
    description:
      "answers and events of all clients together that they have not read; the slowest is ended first",
    default: "128m",
  }),
  stallTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description:
      "ends an answer or a stream for which something waits and of which nothing is read for so long",
    default: "60s",
  }),
}, ({ maxUnreadSize, stallTimeout }) => ({
  maxUnreadBytes: maxUnreadSize,
  stallTimeoutMs: stallTimeout,
}));

/** What is kept for clients that resume. */
export const eventOptions = section({
  eventStore: option(choice(["memory", "none"]), {
    value: "<kind>",
    description: "where events of streams are kept, so that a client can resume: memory or none",
    default: "memory",
  }),
  eventStoreSize: option(size(), {
    value: "<size>",
    description: "how much is kept of all sessions together",
    default: "64m",
  }),
  eventStoreCount: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "how many events are kept of one session",
    default: 1000,
  }),
  eventStoreAge: option(duration({ min: 1 }), {
    value: "<time>",
    description: "how long an event is kept",
    default: "30m",
  }),
}, (values) => ({
  eventStore: values.eventStore,
  eventLimits: {
    /** Of all sessions together. */
    bytes: values.eventStoreSize,
    /** Of one session. */
    events: values.eventStoreCount,
    /** Older events are forgotten. */
    ageMs: values.eventStoreAge,
  },
}));

export type EventSettings = SettingsOf<typeof eventOptions>;
