/** CORS for browsers on other origins: off unless asked for. */
import { cors } from "hono/cors";
import type { MiddlewareHandler } from "hono";
import { remembered } from "../base/remembered.ts";
import { isAmong } from "./origin.ts";

/** `*`, or origins, schemes of origins, and patterns. */
export type CorsOrigins = "*" | readonly (string | RegExp)[];

export function corsHeaders(origins: CorsOrigins): MiddlewareHandler {
  const isAllowed = remembered((origin) => origins !== "*" && isAmong(origins, origin));
  return cors({
    origin: origins === "*" ? "*" : (origin) => isAllowed(origin) ? origin : null,
    allowMethods: ["GET", "POST", "DELETE", "OPTIONS"],
    // Browsers hide every other header of an answer from the page, and clients need these two.
    exposeHeaders: ["Mcp-Session-Id", "MCP-Protocol-Version"],
  });
}
