/** What is allowed but will not do what its user may expect. */
import type { OptionNames } from "../base/option_name.ts";
import type { Transport } from "../frontends/options.ts";
import { NO_ORIGIN } from "../options/network_values.ts";
import { doubtfulUnits } from "./doubtful_units.ts";
import { isLoopback } from "./auth_rules.ts";
import type { OptionKey } from "./options.ts";
import type { ParsedOptions } from "./problem.ts";
import type { ServerInput } from "./server_input.ts";
import { vainPatterns } from "./vain_patterns.ts";

/** Options that do something with a command alone, with a remote server alone, and with sessions alone. */
const FOR_COMMANDS = [
  ...["env", "cwd", "prewarm", "maxChildren", "restart", "restartDelay", "restartMaxDelay"] as const,
  ...["crashLimit", "crashWindow", "crashProbe", "tryAtStart", "exitOnFailure", "headerToEnv"] as const,
];
const FOR_REMOTES = [
  ...["header", "headerFile", "caFile", "remoteIdleTimeout", "allowPrivateRedirects"] as const,
  ...["headerToHeader", "keypair", "serverKey", "knownHosts"] as const,
];
const FOR_SESSIONS = ["eventStore", "eventStoreSize", "eventStoreCount", "eventStoreAge"] as const;
const FOR_EVENTS = ["eventStoreSize", "eventStoreCount", "eventStoreAge"] as const;
/** Where nothing listens on the network. */
const FOR_NETWORK = [
  ...["host", "port", "tlsCert", "tlsKey", "tlsSelfSigned", "httpRedirectPort"] as const,
  ...["cors", "allowedHost", "allowedOrigin"] as const,
  ...["allowIp", "denyIp", "rateLimit", "maxSessionsPerPrincipal"] as const,
];
const FOR_AUDIT = ["auditArguments", "auditMaxSize", "auditKeep"] as const;
const FOR_CALLERS = ["headerToEnv", "headerToHeader"] as const;

interface WarningContext {
  readonly kind: ServerInput["kind"];
  readonly transports: readonly Transport[];
}

/** One line for each. */
export function warningsOf(parsed: ParsedOptions, context: WarningContext): string[] {
  const { values, nameOf } = parsed;
  return [
    ...withoutEffect(parsed, context),
    ...(["cors", "allowedOrigin"] as const).filter((key) => values[key]?.includes(NO_ORIGIN))
      .map((key) => openToNobody(nameOf(key))),
    ...(["jwtIssuer", "jwtJwksUrl"] as const).filter((key) => isUnencrypted(values[key]))
      .map((key) => keysForAnybody(nameOf(key))),
    ...openSecrets(parsed, context),
    ...doubtfulUnits(parsed),
    ...vainPatterns(nameOf("cors"), values.cors),
  ];
}

/** Kinds whose proof is a secret that each request brings; a signature is none. */
const SECRET_KINDS = ["apiKey", "bearer", "basic", "jwt"] as const;

/** Who listens on the way has them for himself. */
function openSecrets({ values, nameOf }: ParsedOptions, { transports }: WarningContext): string[] {
  const { host, auth, tlsCert, tlsSelfSigned, baseUrl } = values;
  const kinds = SECRET_KINDS.filter((kind) => auth.includes(kind));
  const isEncrypted = tlsCert !== undefined || tlsSelfSigned || /^https:/i.test(baseUrl);
  if (kinds.length === 0 || isEncrypted || isLoopback(host) || onStdioAlone(transports)) return [];
  return [
    `Callers send secrets unencrypted (${kinds.join(", ")}); add ${nameOf("tlsSelfSigned")} or ` +
    `${nameOf("tlsCert")}, or give the https URL of the proxy in front by ${nameOf("baseUrl")}`,
  ];
}

function withoutEffect(
  { raw, values, nameOf }: ParsedOptions,
  { kind, transports }: WarningContext,
): string[] {
  const sessions = values.stateful && transports.includes("streamableHttp");
  const given = (keys: readonly OptionKey[], why: string) =>
    keys.filter((key) => raw[key] !== undefined).map((key) => `${nameOf(key)} has no effect ${why}`);
  const stateful = nameOf("stateful");
  return [
    ...values.stateful && !sessions ? [`${stateful} has no effect without the streamableHttp transport`] : [],
    ...kind === "command"
      ? given(FOR_REMOTES, "with a stdio server: it is for remote servers")
      : given(FOR_COMMANDS, "with a remote server: it is for commands"),
    ...sessions ? [] : given(FOR_SESSIONS, `without ${stateful}`),
    ...sessions && values.eventStore === "none" ? given(FOR_EVENTS, `with ${nameOf("eventStore")} none`) : [],
    ...values.auditLog === undefined ? given(FOR_AUDIT, `without ${nameOf("auditLog")}`) : [],
    ...onStdioAlone(transports) ? given([...FOR_NETWORK, ...FOR_CALLERS], whyOnStdio(nameOf)) : [],
  ];
}

/** On this machine nobody is on the way. */
function isUnencrypted(url: string | undefined): boolean {
  return url !== undefined && /^http:/i.test(url) && !isLoopback(new URL(url).hostname);
}

function keysForAnybody(name: string): string {
  return `${name}: what begins with http: comes unencrypted, so who is on the way may put in keys of his own`;
}

function onStdioAlone(transports: readonly Transport[]): boolean {
  return transports.every((transport) => transport === "stdio");
}

function whyOnStdio(nameOf: OptionNames): string {
  return `where clients come by stdio alone: add ${nameOf("outputTransport")} streamableHttp,sse,ws`;
}

function openToNobody(name: string): string {
  return `${name} ${NO_ORIGIN}: a page of any site can make itself one without an origin, in a sandboxed frame`;
}
