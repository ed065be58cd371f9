/** Which policies stand in front of every route and every upgrade, and in which order. */
import { authentication } from "./auth/authentication.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import type { Tickets } from "./auth/tickets.ts";
import type { ProtectedResources } from "./auth/protected_resource.ts";
import type { ProcessConfig } from "./config/mod.ts";
import type { GatewayError } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import type { HttpPolicy } from "./core/http_policy.ts";
import { corsHeaders, preflights } from "./policies/cors.ts";
import { originGuard } from "./policies/origin.ts";
import { refuseUnrecorded } from "./policies/recording.ts";
import { answerRefusals } from "./policies/refusals.ts";
import type { PublicUrl } from "./public_urls.ts";

interface PolicyOptions {
  readonly process: ProcessConfig;
  /** Empty where anybody may call. */
  readonly authenticators: readonly Authenticator[];
  readonly tickets: Tickets;
  /** Undefined where nothing is recorded. */
  readonly audit: { readonly refusal: () => GatewayError | undefined } | undefined;
  /** Whether anybody may ask for this all the same. */
  readonly isOpen: (request: Request) => boolean;
  readonly publicUrl: PublicUrl;
  /** Where it depends on what is asked for who is let in. */
  readonly resources: ProtectedResources | undefined;
  readonly emit: Sink;
}

/** The outermost first. */
export function httpPolicies(options: PolicyOptions): HttpPolicy[] {
  const { process, process: { origins: { cors } }, emit } = options;
  const refusing = [answerRefusals(emit), hostGuard(process)];
  // Behind the preflights: a browser sends them without credentials.
  const known = [...recorded(options), ...callersKnown(options)];
  return cors ? [corsHeaders(cors), ...refusing, preflights(cors), ...known] : [...refusing, ...known];
}

/** Lets in who names a host of ours, and comes from nowhere else. */
export function hostGuard({ listen: { host }, clients: { baseUrl }, origins }: ProcessConfig): HttpPolicy {
  const { cors, allowedHosts, allowedOrigins } = origins;
  return originGuard({
    host,
    allowedHosts: [...allowedHosts, ...ownHost(baseUrl)],
    allowedOrigins: [...allowedOrigins, ...(cors === "*" ? ["*"] : cors ?? [])],
  });
}

/** Before anybody proves anything, since that would have to be recorded. */
function recorded({ audit, isOpen }: PolicyOptions): HttpPolicy[] {
  return audit ? [refuseUnrecorded({ refusal: audit.refusal, isOpen })] : [];
}

function callersKnown({ process: { auth }, ...options }: PolicyOptions): HttpPolicy[] {
  if (options.authenticators.length === 0) return [];
  const { authOptional: optional, anonymousScopes, apiKeyInQuery } = auth;
  return [authentication({ ...options, optional, anonymousScopes, apiKeyInQuery })];
}

/** What clients put before the paths leads to us, under whatever port. */
function ownHost(baseUrl: string): string[] {
  const hostname = URL.parse(baseUrl)?.hostname;
  return hostname ? [hostname] : [];
}
