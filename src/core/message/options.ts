/** How large a message may be, in bytes and in structure. */
import type { MessageLimits } from "./message_limits.ts";
import { option, section } from "../../options/section.ts";
import { size, wholeNumber } from "../../options/values.ts";

/** Of clients, and of servers. */
export const messageOptions = section({
  maxBodySize: option(size(), {
    value: "<size>",
    description: "body of a request",
    default: "4m",
  }),
  maxMessageSize: option(size(), {
    value: "<size>",
    description: "message of the server",
    default: "16m",
  }),
  maxDepth: option(wholeNumber({ min: 16, max: 4096 }), {
    value: "<count>",
    description: "levels of objects and arrays in one another, in a message of either side",
    default: 512,
  }),
  maxBatch: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "messages of one batch, of either side",
    default: 100,
  }),
  maxBodyParts: option(wholeNumber({ min: 100 }), {
    value: "<count>",
    description: "objects, arrays and strings in the body of a request, keys included",
    default: 100_000,
  }),
  maxMessageParts: option(wholeNumber({ min: 100 }), {
    value: "<count>",
    description: "the same of a message of the server",
    default: 1_000_000,
  }),
}, (values) => ({
  maxBodyBytes: values.maxBodySize,
  maxMessageBytes: values.maxMessageSize,
  clientLimits: limits(values, "maxBodyParts"),
  serverLimits: limits(values, "maxMessageParts"),
}));

type Parts = "maxBodyParts" | "maxMessageParts";

function limits<P extends Parts>(
  values: Readonly<Record<"maxDepth" | "maxBatch" | P, number>>,
  partsOption: P,
): MessageLimits {
  const { maxDepth, maxBatch } = values;
  return { maxDepth, maxBatch, maxParts: values[partsOption], partsOption };
}
