/** Which policies stand in front of every route and every upgrade, and in which order. */
import type { ProcessConfig } from "./config/mod.ts";
import type { Sink } from "./core/events.ts";
import type { HttpPolicy } from "./core/http_policy.ts";
import { corsHeaders, preflights } from "./policies/cors.ts";
import { originGuard } from "./policies/origin.ts";
import { answerRefusals } from "./policies/refusals.ts";

/** The outermost first. */
export function httpPolicies(process: ProcessConfig, emit: Sink): HttpPolicy[] {
  const { listen: { host }, clients: { baseUrl }, origins: { cors, allowedHosts, allowedOrigins } } = process;
  const guard = originGuard({
    host,
    allowedHosts: [...allowedHosts, ...ownHost(baseUrl)],
    allowedOrigins: [...allowedOrigins, ...(cors === "*" ? ["*"] : cors ?? [])],
  });
  const refusing = [answerRefusals(emit), guard];
  return cors ? [corsHeaders(cors), ...refusing, preflights(cors)] : refusing;
}

/** What clients put before the paths leads to us, under whatever port. */
function ownHost(baseUrl: string): string[] {
  const hostname = URL.parse(baseUrl)?.hostname;
  return hostname ? [hostname] : [];
}
