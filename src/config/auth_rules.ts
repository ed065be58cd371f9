/** Who may be let in where, and which options of authentication belong together. */
import { jwtProblems } from "./jwt_rules.ts";
import type { Transport } from "../frontends/options.ts";
import { isWildcard } from "../listener/reachable_host.ts";
import { type ParsedOptions, type Problem, shownIn } from "./problem.ts";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** What is of use for one kind alone: to give it and leave out the kind is to think oneself protected. */
const OF_KINDS = [
  ["apiKeyFile", "apiKey"],
  ["bearerToken", "bearer"],
  ["bearerTokenFile", "bearer"],
  ["basicUserFile", "basic"],
  ["authorizedKeys", "keypair"],
  ["signatureSkew", "keypair"],
  ["maxNonces", "keypair"],
  ["jwtIssuer", "jwt"],
  ["jwtAudience", "jwt"],
  ["jwtJwksUrl", "jwt"],
  ["jwtJwksFile", "jwt"],
  ["jwtAlgorithm", "jwt"],
  ["jwtClockSkew", "jwt"],
  ["jwtKeysAge", "jwt"],
  ["jwtRefetchPause", "jwt"],
  ["jwtFetchTimeout", "jwt"],
  ["jwtMaxFetchSize", "jwt"],
  ["jwtMaxTokens", "jwt"],
] as const;

/** What is of use for any kind. */
const OF_ANY_KIND = ["authAttempts", "authAttemptWindow", "authWait", "authMaxWait"] as const;

/** Who reaches an address that is no loopback is anybody, so the user says who is let in, or that all are. */
export function openToAnybody(parsed: ParsedOptions, transports: readonly Transport[]): Problem[] {
  const { values: { host, unauthenticated }, nameOf } = parsed;
  const onStdioAlone = transports.every((transport) => transport === "stdio");
  if (unauthenticated || isAuthenticated(parsed) || isLoopback(host) || onStdioAlone) return [];
  const text =
    `${nameOf("host")}${shownIn(parsed, "host")}: anybody who reaches this machine could call the server; ` +
    `expected ${nameOf("auth")} apiKey beside it, or another kind, or ${nameOf("unauthenticated")} ` +
    "where a firewall or a proxy keeps others out";
  return [{ option: "host", text }];
}

/** Rules that need to know no server. */
export function authProblems(parsed: ParsedOptions): Problem[] {
  return [
    ...mixedKinds(parsed),
    ...withoutKind(parsed),
    ...withoutAnyKind(parsed),
    ...queryWithoutKeys(parsed),
    ...missingTokens(parsed),
    ...missingKeys(parsed),
    ...unnamedHost(parsed),
    ...jwtProblems(parsed),
    ...nobodyToLetIn(parsed),
    ...scopesOfNobody(parsed),
  ];
}

function mixedKinds(parsed: ParsedOptions): Problem[] {
  const { values: { auth, unauthenticated }, nameOf } = parsed;
  if (!isAuthenticated(parsed)) return [];
  if (auth.includes("none")) {
    const option = "auth";
    return [{
      option,
      text: `${nameOf(option)}${shownIn(parsed, option)}: expected none or other kinds, but both are given`,
    }];
  }
  if (!unauthenticated) return [];
  const option = "unauthenticated";
  const text = `${nameOf(option)}: expected it or ${nameOf("auth")}, but both are given; ` +
    `${nameOf("authOptional")} lets in who brings no credentials`;
  return [{ option, text }];
}

function withoutKind({ raw, values: { auth }, nameOf }: ParsedOptions): Problem[] {
  return OF_KINDS.filter(([key, kind]) => isGiven(raw[key]) && !auth.includes(kind)).map((
    [option, kind],
  ) => ({
    option,
    text: `${nameOf(option)}: protects nothing without ${nameOf("auth")} ${kind}`,
  }));
}

function withoutAnyKind(parsed: ParsedOptions): Problem[] {
  const { raw, nameOf } = parsed;
  if (isAuthenticated(parsed)) return [];
  return OF_ANY_KIND.filter((key) => isGiven(raw[key])).map((option) => ({
    option,
    text: `${nameOf(option)}: protects nothing without ${nameOf("auth")}, such as apiKey`,
  }));
}

/** It opens a way in, and protects nothing anyway. */
function queryWithoutKeys({ raw, values: { auth }, nameOf }: ParsedOptions): Problem[] {
  const option = "apiKeyInQuery";
  if (!isGiven(raw[option]) || auth.includes("apiKey")) return [];
  return [{ option, text: `${nameOf(option)}: expected ${nameOf("auth")} apiKey beside it` }];
}

function missingTokens({ values: { auth, bearerToken, bearerTokenFile }, nameOf }: ParsedOptions): Problem[] {
  if (!auth.includes("bearer") || (bearerToken ?? bearerTokenFile) !== undefined) return [];
  const text = `${nameOf("auth")} bearer: expected ${nameOf("bearerTokenFile")} beside it, or a token in ` +
    "KEYSTONE_BEARER_TOKEN";
  return [{ option: "auth", text }];
}

function missingKeys({ values: { auth, authorizedKeys }, nameOf }: ParsedOptions): Problem[] {
  if (!auth.includes("keypair") || authorizedKeys !== undefined) return [];
  const text =
    `${nameOf("auth")} keypair: expected ${nameOf("authorizedKeys")} beside it, the file of the public ` +
    "keys of those who are let in";
  return [{ option: "auth", text }];
}

/** What is signed for another server, or in its name, would count as ours where anything may stand in Host. */
function unnamedHost(parsed: ParsedOptions): Problem[] {
  const { values: { auth, identity, host, baseUrl, allowedHost }, nameOf } = parsed;
  const isNamed = /^https?:/i.test(baseUrl) || allowedHost.some((name) => name !== "*");
  if (!isWildcard(host) || isNamed) return [];
  const [option, what] = auth.includes("keypair")
    ? ["auth" as const, `${nameOf("auth")} keypair`]
    : ["identity" as const, nameOf("identity")];
  if (option === "identity" && identity === undefined) return [];
  const text =
    `${what}: expected ${nameOf("baseUrl")} with the URL that callers use, or ${nameOf("allowedHost")} ` +
    `with its host, since what is signed is for one server and ${nameOf("host")} is any address`;
  return [{ option, text }];
}

function nobodyToLetIn(parsed: ParsedOptions): Problem[] {
  const { values: { authOptional, anonymousScope }, nameOf } = parsed;
  const [optional, scope, auth] = [nameOf("authOptional"), nameOf("anonymousScope"), nameOf("auth")];
  if (authOptional && !isAuthenticated(parsed)) {
    return [{
      option: "authOptional",
      text: `${optional}: expected ${auth} beside it, which it makes optional`,
    }];
  }
  if (authOptional || anonymousScope.length === 0) return [];
  return [{
    option: "anonymousScope",
    text: `${scope}: expected ${optional} beside it, which lets such callers in`,
  }];
}

/** Where nobody proves anything nobody is granted anything. */
function scopesOfNobody(parsed: ParsedOptions): Problem[] {
  const { values: { requiredScope }, nameOf } = parsed;
  if (requiredScope.length === 0 || isAuthenticated(parsed)) return [];
  const option = "requiredScope";
  const text = `${nameOf(option)}: expected ${
    nameOf("auth")
  } beside it, since nobody is granted a scope without`;
  return [{ option, text }];
}

function isAuthenticated({ values: { auth } }: ParsedOptions): boolean {
  return auth.some((kind) => kind !== "none");
}

/** A switch that is off is as one that is not given. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false && value !== "false";
}
