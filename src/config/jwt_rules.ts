/** What has to be known of an issuer and of this server before its tokens can be judged. */
import { parseServerUrl } from "../options/server_url.ts";
import { HTTP } from "../options/network_values.ts";
import type { ParsedOptions, Problem } from "./problem.ts";

export function jwtProblems(parsed: ParsedOptions): Problem[] {
  if (!parsed.values.auth.includes("jwt")) return [];
  return [...withoutIssuer(parsed), ...forNobody(parsed), ...keysTwice(parsed), ...withoutAlgorithm(parsed)];
}

function withoutIssuer({ values: { jwtIssuer }, nameOf }: ParsedOptions): Problem[] {
  if (jwtIssuer !== undefined) return [];
  const text = `${nameOf("auth")} jwt: expected ${
    nameOf("jwtIssuer")
  } beside it, which says whose tokens count`;
  return [{ option: "auth", text }];
}

/** A token for somebody else must not be of use here. */
function forNobody({ values: { jwtAudience, baseUrl }, nameOf }: ParsedOptions): Problem[] {
  if (jwtAudience.length > 0 || parseServerUrl(baseUrl, HTTP)) return [];
  const text = `${nameOf("auth")} jwt: expected ${nameOf("jwtAudience")} beside it, or a URL as ${
    nameOf("baseUrl")
  }, which says for whom tokens have to be`;
  return [{ option: "auth", text }];
}

function keysTwice({ values: { jwtJwksUrl, jwtJwksFile }, nameOf }: ParsedOptions): Problem[] {
  if (jwtJwksUrl === undefined || jwtJwksFile === undefined) return [];
  const text = `${nameOf("jwtJwksFile")}: expected it or ${nameOf("jwtJwksUrl")}, but both are given`;
  return [{ option: "jwtJwksFile", text }];
}

function withoutAlgorithm({ values: { jwtAlgorithm }, nameOf }: ParsedOptions): Problem[] {
  if (jwtAlgorithm.length > 0) return [];
  return [{
    option: "jwtAlgorithm",
    text: `${nameOf("jwtAlgorithm")} "": expected one at least, such as ES256`,
  }];
}
