/** What options may not be given together, or not with this server. */
import { NETWORK_TRANSPORTS, type Transport } from "../frontends/options.ts";
import type { Options } from "./options.ts";
import type { ParsedOptions, Problem } from "./problem.ts";
import type { ServerInput } from "./server_input.ts";

/**
 * The one remote server of a command line is mostly wanted by a client that can only spawn a command; a command, and
 * whatever a file has, by the network.
 */
export function transportsOf(
  { outputTransport }: Options,
  { server: { kind }, isOfFile }: { readonly server: Pick<ServerInput, "kind">; readonly isOfFile: boolean },
): Transport[] {
  const byDefault = kind === "remote" && !isOfFile ? ["stdio" as const] : NETWORK_TRANSPORTS;
  return [...new Set(outputTransport ?? byDefault)];
}

export function noTransport({ values: { outputTransport }, nameOf }: ParsedOptions): Problem[] {
  if (outputTransport?.length !== 0) return [];
  const option = "outputTransport";
  return [{ option, text: `${nameOf(option)} "": expected streamableHttp, sse, ws or stdio` }];
}

/** The bearer token is sent to a remote server: it is given in one way, and never with a command. */
export function foreignBearer({ values, nameOf }: ParsedOptions, { kind }: ServerInput): Problem[] {
  const { oauth2Bearer, oauth2BearerFile } = values;
  const [bearer, file] = [nameOf("oauth2Bearer"), nameOf("oauth2BearerFile")];
  if (oauth2Bearer !== undefined && oauth2BearerFile !== undefined) {
    return [{ option: "oauth2BearerFile", text: `${file}: expected it or ${bearer}, but both are given` }];
  }
  if (kind === "remote" || (oauth2Bearer ?? oauth2BearerFile) === undefined) return [];
  const [option, name] = oauth2Bearer === undefined
    ? ["oauth2BearerFile" as const, file]
    : ["oauth2Bearer" as const, bearer];
  const text = `${name}: protects nothing with a stdio server, since it is for remote servers; ` +
    `keep strangers out by ${nameOf("auth")} bearer or by the address that ${nameOf("host")} binds`;
  return [{ option, text }];
}

/** To trust one key, and to trust any that is new, are two things. */
export function twoTrusts({ values: { serverKey, knownHosts }, nameOf }: ParsedOptions): Problem[] {
  if (serverKey === undefined || knownHosts === undefined) return [];
  const text = `${nameOf("knownHosts")}: expected it or ${nameOf("serverKey")}, but both are given`;
  return [{ option: "knownHosts", text }];
}

/** Children that nobody has asked for must leave room for those that somebody will ask for. */
export function prewarmedCrowd({ values: { prewarm, maxChildren }, nameOf }: ParsedOptions): Problem[] {
  if (prewarm === 0 || prewarm < maxChildren) return [];
  const bound = `${nameOf("maxChildren")}, which is ${maxChildren}`;
  return [{ option: "prewarm", text: `${nameOf("prewarm")} "${prewarm}": expected less than ${bound}` }];
}

/** To give the one and leave out the other is to think that something is limited. */
export function unlimitedBurst({ values: { rateLimit, rateBurst }, nameOf }: ParsedOptions): Problem[] {
  if (rateBurst === undefined || rateLimit !== undefined) return [];
  const text = `${nameOf("rateBurst")}: limits nothing without ${nameOf("rateLimit")}, such as 600/m`;
  return [{ option: "rateBurst", text }];
}

export function untried({ values: { tryAtStart, exitOnFailure }, nameOf }: ParsedOptions): Problem[] {
  if (tryAtStart || !exitOnFailure) return [];
  const text = `${nameOf("exitOnFailure")}: expected ${
    nameOf("tryAtStart")
  }, which is off: without it nothing is found out`;
  return [{ option: "exitOnFailure", text }];
}
