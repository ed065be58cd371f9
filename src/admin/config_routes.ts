/** `/config` of the admin endpoint: the configuration that counts, and what is set of it while it is served. */
import { Hono } from "hono";
import { isObject } from "../core/message/jsonrpc.ts";
import { RequestError } from "../core/errors.ts";
import type { AdminEnv, AdminRoutes } from "./admin_env.ts";
import { jsonIn } from "./json_body.ts";
import type { AdminTarget } from "./target.ts";

const EXPECTED = "an object shaped as a configuration file, with sections and servers";

export function configRoutes(target: Pick<AdminTarget, "config" | "changeConfig">): AdminRoutes {
  return new Hono<AdminEnv>()
    .get("/", async (context) => {
      const { value, etag } = await target.config();
      return context.json(value, 200, { ETag: etag });
    })
    .patch("/", async (context) => {
      const change = await jsonIn(context.req, EXPECTED);
      if (!isObject(change)) throw new RequestError(`The body is no table: expected ${EXPECTED}`);
      const { names, etag, outcome } = await target.changeConfig(change, context.req.header("if-match"));
      const isApplied = outcome.kind === "applied";
      if (isApplied) context.set("changed", `configuration: ${names.join(", ")}`);
      return context.json(outcome, isApplied ? 200 : 422, { ETag: etag });
    });
}
