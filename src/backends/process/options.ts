/** How a server that is a child process is started and stopped. */
import * as z from "zod";
import { option, section } from "../../options/section.ts";
import { duration, keyValue, nonEmpty } from "../../options/values.ts";

/** Of each child. */
export const processOptions = section({
  env: option(z.array(keyValue()), {
    value: "<KEY=VALUE>",
    description: "environment variable for the server, on top of those of Keystone; repeatable",
    list: "repeated",
    secret: true,
    default: [],
    common: true,
  }),
  cwd: option(nonEmpty("expected a directory"), {
    value: "<directory>",
    description: "where the server runs (default: here)",
  }),
  stopTimeout: option(duration({ min: 0 }), {
    value: "<time>",
    description: "time for a server between SIGTERM and SIGKILL",
    default: "5s",
  }),
}, ({ env, cwd, stopTimeout }) => ({
  env: Object.fromEntries(env),
  cwd,
  stopTimeoutMs: stopTimeout,
}));
