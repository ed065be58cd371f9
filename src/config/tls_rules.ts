/** Where a certificate comes from, and what there is only with one. */
import { type ParsedOptions, type Problem, shownIn } from "./problem.ts";

/** Rules that need to know no server. */
export function tlsProblems(parsed: ParsedOptions): Problem[] {
  return [...twoCertificates(parsed), ...halfTls(parsed), ...redirectsInVain(parsed), ...onePort(parsed)];
}

function twoCertificates({ values: { tlsCert, tlsKey, tlsSelfSigned }, nameOf }: ParsedOptions): Problem[] {
  if (!tlsSelfSigned || (tlsCert ?? tlsKey) === undefined) return [];
  const [option, other] = ["tlsSelfSigned", tlsCert === undefined ? "tlsKey" : "tlsCert"] as const;
  return [{ option, text: `${nameOf(option)}: expected it or ${nameOf(other)}, but both are given` }];
}

function halfTls(parsed: ParsedOptions): Problem[] {
  const { values: { tlsCert, tlsKey }, nameOf } = parsed;
  if ((tlsCert === undefined) === (tlsKey === undefined)) return [];
  const [option, missing] = tlsKey === undefined
    ? ["tlsCert" as const, "tlsKey"]
    : ["tlsKey" as const, "tlsCert"];
  const text = `${nameOf(option)}${shownIn(parsed, option)}: expected ${
    nameOf(missing)
  } beside it, since HTTPS needs both`;
  return [{ option, text }];
}

/** It would lead to where nobody speaks TLS. */
function redirectsInVain(parsed: ParsedOptions): Problem[] {
  const { values: { httpRedirectPort, tlsCert, tlsKey, tlsSelfSigned }, nameOf } = parsed;
  if (httpRedirectPort === undefined || tlsSelfSigned || (tlsCert ?? tlsKey) !== undefined) return [];
  const option = "httpRedirectPort";
  const text = `${nameOf(option)}${shownIn(parsed, option)}: expected ${nameOf("tlsCert")} and ${
    nameOf("tlsKey")
  } beside it, or ${nameOf("tlsSelfSigned")}, since it leads to HTTPS`;
  return [{ option, text }];
}

function onePort(parsed: ParsedOptions): Problem[] {
  const { values: { httpRedirectPort, port }, nameOf } = parsed;
  if (!httpRedirectPort || httpRedirectPort !== port) return [];
  const option = "httpRedirectPort";
  const text = `${nameOf(option)}${shownIn(parsed, option)}: expected another port than that of ${
    nameOf("port")
  }, where HTTPS is`;
  return [{ option, text }];
}
