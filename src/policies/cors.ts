/** CORS for browsers on other origins (Fetch standard, section 3.2): off unless asked for. */
import { type HttpPolicy, isPending } from "../core/http_policy.ts";
import { remembered } from "../base/remembered.ts";
import { isAmong } from "./origin.ts";

/** `*`, or origins, schemes of origins, and patterns. */
export type CorsOrigins = "*" | readonly (string | RegExp)[];

const METHODS = "GET,POST,DELETE,OPTIONS";
/** Browsers hide every other header of an answer from the page, and clients need these two. */
const EXPOSED = "Mcp-Session-Id,MCP-Protocol-Version";

/** Lets pages of these origins read what they are answered; outside of what refuses, so that they read refusals, too. */
export function corsHeaders(origins: CorsOrigins): HttpPolicy {
  const isAllowed = remembered((origin) => origins !== "*" && isAmong(origins, origin));
  const allowedFor = (origin: string) => origins === "*" ? "*" : isAllowed(origin) ? origin : "";
  function readable<A>(answer: A | Response, origin: string): A | Response {
    if (!(answer instanceof Response)) return answer;
    const { headers } = answer;
    const allowed = allowedFor(origin);
    if (allowed !== "") headers.set("Access-Control-Allow-Origin", allowed);
    headers.set("Access-Control-Expose-Headers", EXPOSED);
    if (origins !== "*") headers.append("Vary", "Origin");
    return answer;
  }
  return (request, caller, next) => {
    const origin = request.headers.get("origin") ?? "";
    const answer = next(request, caller);
    return isPending(answer) ? answer.then((given) => readable(given, origin)) : readable(answer, origin);
  };
}

/** Answers what a browser asks before a request: behind the guard, which a preflight has to pass as well. */
export const preflights: HttpPolicy = (request, caller, next) =>
  request.method === "OPTIONS" ? preflightAnswer(request) : next(request, caller);

function preflightAnswer({ headers }: Request): Response {
  const asked = headers.get("access-control-request-headers");
  const allowed = asked && {
    "Access-Control-Allow-Headers": asked.split(",").map((name) => name.trim()).join(","),
    Vary: "Access-Control-Request-Headers",
  };
  return new Response(null, {
    status: 204,
    statusText: "No Content",
    headers: { "Access-Control-Allow-Methods": METHODS, ...allowed },
  });
}
