/** Which policies stand in front of every route and every upgrade, and in which order. */
import { attemptLimit } from "./auth/attempts.ts";
import { authentication, type AuthenticationOptions } from "./auth/authentication.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import type { Tickets } from "./auth/tickets.ts";
import type { ProtectedResources } from "./auth/protected_resource.ts";
import { serverScopeGuard } from "./auth/scopes/server_scopes.ts";
import type { ProcessConfig } from "./config/mod.ts";
import type { GatewayError } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import type { HttpPolicy } from "./core/http_policy.ts";
import { clientAddress } from "./policies/client_address.ts";
import { corsHeaders, preflights } from "./policies/cors.ts";
import { IpFilter } from "./policies/ip_filter.ts";
import { originGuard } from "./policies/origin.ts";
import { rateLimit } from "./policies/rate_limit.ts";
import { refuseUnrecorded } from "./policies/recording.ts";
import { finishAnswers } from "./policies/answers.ts";
import type { PublicUrl } from "./public_urls.ts";
import type { IpNetworks } from "./wire/ip_networks.ts";

interface LastingOptions {
  readonly process: ProcessConfig;
  /** Who may speak for others. */
  readonly proxies: IpNetworks;
  /** Empty where anybody may call. */
  readonly authenticators: readonly Authenticator[];
  readonly tickets: Tickets;
  /** Undefined where nothing is recorded. */
  readonly audit: { readonly refusal: () => GatewayError | undefined } | undefined;
  readonly publicUrl: PublicUrl;
  /** Where it depends on what is asked for who is let in. */
  readonly resources: () => ProtectedResources | undefined;
  readonly emit: Sink;
}

/** What is made once, since it counts what callers do. */
export interface LastingPolicies {
  /** Throws RequestError for an address that may not connect; undefined where all may. */
  readonly refuse: ((address: string) => void) | undefined;
  /** From where a request comes. */
  readonly whence: readonly HttpPolicy[];
  /** Who sends it, and how much that one may send. */
  readonly who: readonly HttpPolicy[];
}

export function lastingPolicies(options: LastingOptions): LastingPolicies {
  const { proxies, process: { access: { allowIp: allow, denyIp: deny } } } = options;
  const filter = allow.length + deny.length > 0 ? new IpFilter({ allow, deny, proxies }) : undefined;
  return {
    refuse: filter && ((address) => filter.refuseConnection(address)),
    // Without proxies whoever has connected is the one who asks, and was judged then.
    whence: proxies.isEmpty ? [] : [clientAddress(proxies), ...filter ? [filter.policy] : []],
    who: [...recorded(options), ...known(options)],
  };
}

/** The outermost first. */
export function httpPolicies(
  { process, lasting, emit }: Pick<LastingOptions, "process" | "emit"> & {
    readonly lasting: LastingPolicies;
  },
): HttpPolicy[] {
  const { origins: { cors } } = process;
  const refusing = [finishAnswers(emit), ...lasting.whence, hostGuard(process)];
  // Behind the preflights: a browser sends them without credentials.
  return cors
    ? [corsHeaders(cors), ...refusing, preflights(cors), ...lasting.who]
    : [...refusing, ...lasting.who];
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
function recorded({ audit }: LastingOptions): HttpPolicy[] {
  return audit ? [refuseUnrecorded(audit.refusal)] : [];
}

function callersKnown(
  { process, ...options }: LastingOptions,
  strangerRefusal?: AuthenticationOptions["strangerRefusal"],
): HttpPolicy[] {
  if (options.authenticators.length === 0) return [];
  const { auth, access: { maxTrackedCallers: maxKeys } } = process;
  const { authOptional: optional, anonymousScopes, apiKeyInQuery } = auth;
  const { authAttempts: free, authAttemptWindowMs: windowMs } = auth;
  const { authWaitMs: firstWaitMs, authMaxWaitMs: maxWaitMs } = auth;
  const attempts = attemptLimit({ free, windowMs, firstWaitMs, maxWaitMs, maxKeys });
  const access = { optional, anonymousScopes, apiKeyInQuery, attempts, strangerRefusal };
  return [authentication({ ...options, ...access })];
}

/** Strangers are limited by where they come from, callers by who they are, whatever they may do. */
function known(options: LastingOptions): HttpPolicy[] {
  const { rateLimit: rate, rateBurst, maxTrackedCallers: maxCallers } = options.process.access;
  const limit = rate && rateLimit({ rate, burst: rateBurst ?? rate.count, maxCallers });
  return [
    ...callersKnown(options, limit?.strangerRefusal),
    ...limit ? [limit.callers] : [],
    ...options.authenticators.length > 0 ? [serverScopeGuard(options.resources)] : [],
  ];
}

/** What clients put before the paths leads to us, under whatever port. */
function ownHost(baseUrl: string): string[] {
  const hostname = URL.parse(baseUrl)?.hostname;
  return hostname ? [hostname] : [];
}
