/** From where callers may come, and how much they may ask for. */
import * as z from "zod";
import { network } from "../options/network_values.ts";
import { option, section } from "../options/section.ts";
import { rate, wholeNumber } from "../options/values.ts";

export const accessOptions = section({
  allowIp: option(z.array(network()), {
    value: "<networks>",
    description: "addresses and networks that may call, joined by commas or repeated (default: all)",
    list: "commas",
    default: [],
  }),
  denyIp: option(z.array(network()), {
    value: "<networks>",
    description: "addresses and networks that may not call, whatever {allowIp} says",
    list: "commas",
    default: [],
  }),
  rateLimit: option(rate(), {
    value: "<rate>",
    description:
      "requests, and messages over WebSocket, of a principal, or else of an address: as 600/m, also /s and /h (default: any number)",
  }),
  rateBurst: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description: "how many of {rateLimit} may come at once (default: the number in it)",
  }),
  maxTrackedCallers: option(wholeNumber({ min: 2 }), {
    value: "<count>",
    description:
      "of how many callers {rateLimit} and {authAttempts} know what they did; who was away for longest is forgotten",
    default: 10_000,
  }),
}, (values) => ({
  /** All where there is none. */
  allowIp: values.allowIp,
  denyIp: values.denyIp,
  rateLimit: values.rateLimit,
  /** By default as many as the rate says. */
  rateBurst: values.rateBurst ?? values.rateLimit?.count,
  maxTrackedCallers: values.maxTrackedCallers,
}));
