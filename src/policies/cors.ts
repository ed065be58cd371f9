/** CORS for browsers on other origins (Fetch standard, section 3.2): off unless asked for. */
import { Hono, type MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { type HttpPolicy, isPending } from "../core/http_policy.ts";
import { remembered } from "../base/remembered.ts";
import { isAmong } from "./origin.ts";

/** `*`, or origins, schemes of origins, and patterns. */
export type CorsOrigins = "*" | readonly (string | RegExp)[];

/** Lets pages of these origins read what they are answered; outside of what refuses, so that they read refusals, too. */
export function corsHeaders(origins: CorsOrigins): HttpPolicy {
  const app = new Hono<{ Bindings: { response: Response } }>();
  app.use(middleware(origins));
  app.all("*", ({ env }) => env.response);
  // What answers a preflight has its headers already, and a refusal of one is read as that of any other request.
  const readable = (request: Request, response: Response): Response | Promise<Response> => {
    if (response.headers.has("Access-Control-Allow-Methods")) return response;
    return app.fetch(request.method === "OPTIONS" ? withMethod("GET", request) : request, { response });
  };
  const told = <A>(request: Request, answer: A | Response) =>
    answer instanceof Response ? readable(request, answer) : answer;
  return (request, caller, next) => {
    // No browser: nobody reads the headers, which cost a third of all time, and no answer is kept for others.
    if (request.headers.get("origin") === null) return next(request, caller);
    const answer = next(request, caller);
    return isPending(answer) ? answer.then((given) => told(request, given)) : told(request, answer);
  };
}

/** Answers what a browser asks before a request: behind the guard, which a preflight has to pass as well. */
export function preflights(origins: CorsOrigins): HttpPolicy {
  const app = new Hono();
  app.use(middleware(origins));
  return (request, caller, next) => request.method === "OPTIONS" ? app.fetch(request) : next(request, caller);
}

function middleware(origins: CorsOrigins): MiddlewareHandler {
  const isAllowed = remembered((origin) => origins !== "*" && isAmong(origins, origin));
  return cors({
    origin: origins === "*" ? "*" : (origin) => isAllowed(origin) ? origin : null,
    allowMethods: ["GET", "POST", "DELETE", "OPTIONS"],
    // Browsers hide every other header of an answer from the page, and clients need these.
    exposeHeaders: [
      ...["Mcp-Session-Id", "MCP-Protocol-Version", "WWW-Authenticate"],
      ...["Retry-After", "RateLimit", "RateLimit-Policy"],
    ],
  });
}

function withMethod(method: string, { url, headers }: Request): Request {
  return new Request(url, { method, headers });
}
