/** Which web pages and which names of this machine are let in. */
import * as z from "zod";
import { corsOrigin, hostHeader, origin } from "../options/network_values.ts";
import { globs } from "../options/glob_values.ts";
import { option, section, type SettingsOf } from "../options/section.ts";

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

/** What of a server clients may know: patterns with *, ?, [a-z] and {a,b}. */
export const filterOptions = section({
  allowTools: option(globs(), {
    value: "<patterns>",
    description:
      "tools that clients may know and call, by patterns with *, ?, [a-z] and {a,b}, joined by commas or " +
      "repeated (default: all)",
    list: "repeated",
  }),
  denyTools: option(globs(), {
    value: "<patterns>",
    description: "tools that are hidden from clients, whatever {allowTools} says",
    list: "repeated",
    default: [],
  }),
  allowPrompts: option(globs(), {
    value: "<patterns>",
    description: "prompts that clients may know (default: all)",
    list: "repeated",
  }),
  denyPrompts: option(globs(), {
    value: "<patterns>",
    description: "prompts that are hidden from clients",
    list: "repeated",
    default: [],
  }),
  allowResources: option(globs(), {
    value: "<patterns>",
    description: "resources that clients may know, by their URIs and those of templates (default: all)",
    list: "repeated",
  }),
  denyResources: option(globs(), {
    value: "<patterns>",
    description: "resources that are hidden from clients",
    list: "repeated",
    default: [],
  }),
}, (values) => ({
  filter: {
    tools: { allow: values.allowTools, deny: values.denyTools },
    prompts: { allow: values.allowPrompts, deny: values.denyPrompts },
    resources: { allow: values.allowResources, deny: values.denyResources },
  },
}));

export type FilterSettings = SettingsOf<typeof filterOptions>["filter"];
