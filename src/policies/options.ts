/** Which web pages and which names of this machine are let in. */
import * as z from "zod";
import { corsOrigin, hostHeader, origin } from "../options/network_values.ts";
import { option, section } from "../options/section.ts";

/** Host, Origin and CORS. */
export const originOptions = section({
  cors: option(z.array(corsOrigin()), {
    value: "[origins...]",
    description: "origins of web pages to let in, also as /regex/; any (*) if none is named",
    list: "greedy",
    bare: "*",
    common: true,
  }),
  allowedOrigin: option(z.array(origin()), {
    value: "<origins...>",
    description: "origins to accept without CORS headers; * is any",
    list: "greedy",
    default: [],
  }),
  allowedHost: option(z.array(hostHeader()), {
    value: "<hosts...>",
    description: "Host headers to accept besides those of the listening address; * is any",
    list: "greedy",
    default: [],
    common: true,
  }),
}, ({ cors, allowedOrigin, allowedHost }) => ({
  cors: cors?.includes("*") ? "*" as const : cors,
  /** As a Host header has them: lower case, IPv6 in brackets, some with a port; `*` is any. */
  allowedHosts: allowedHost,
  allowedOrigins: allowedOrigin,
}));
