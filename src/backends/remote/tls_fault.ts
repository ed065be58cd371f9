/** Why TLS with a server fails that will not do better: mostly its certificate. The runtime's words are for programmers. */
import { isIP } from "node:net";
import { cut, escaped, quoted } from "../../base/outside.ts";
import { optionName } from "../../base/option_name.ts";
import { withoutBrackets } from "./proxy.ts";
import { displayUrl, RemoteError } from "./remote_error.ts";
import { type ShownCertificate, shownCertificate } from "./shown_certificate.ts";

/** Undefined where the connection failed for another reason. Nothing was sent, and trying again mends nothing. */
export async function tlsFault(
  url: URL,
  error: unknown,
  signal: AbortSignal,
): Promise<RemoteError | undefined> {
  const text = messagesOfCauses(error);
  if (text.includes(NO_TLS)) {
    const plain = url.protocol.replace(/s:$/, ":");
    return permanent(`Cannot reach ${displayUrl(url)}: it speaks no TLS there; expected ${plain}//`, NO_TLS);
  }
  const fault = text.match(/invalid peer certificate: (.*)/s)?.[1];
  if (fault === undefined) return undefined;
  const certificate = isUnknown(fault) ? await shownCertificate(url, signal) : undefined;
  const reason = certificateFault(fault, withoutBrackets(url.hostname), certificate);
  return permanent(`Cannot trust ${displayUrl(url)}: its certificate ${reason}`, fault);
}

function permanent(text: string, fault: string): RemoteError {
  return new RemoteError(text, { delivered: false, permanent: true, cause: new Error(fault) });
}

/** What the runtime's TLS (rustls) says comes last, whatever wraps it. */
function messagesOfCauses(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return error.cause === undefined ? error.message : `${error.message}: ${messagesOfCauses(error.cause)}`;
}

const NO_TLS = "received corrupt message of type InvalidContentType";
const OTHER_CHARS = 200;
const SHOWN_NAMES = 3;

/** What follows "its certificate". */
export function certificateFault(fault: string, host: string, certificate?: ShownCertificate): string {
  const name = `${isIP(host) ? "IP" : "DNS"}:${host}`;
  const forHost = `-addext subjectAltName=${name}`;
  if (isUnknown(fault)) return unknown(certificate);
  if (/expired/i.test(fault)) return "has expired: renew it at the server, or set the clock of this machine";
  if (/not ?valid ?yet/i.test(fault)) {
    return "is not valid yet: see to the clocks of the server and of this machine";
  }
  if (/not valid for any names/.test(fault)) {
    return `names no host, which its subjectAltName must: make it anew with "${forHost}"`;
  }
  if (/not ?valid ?for ?name/i.test(fault)) {
    return `is for ${namesIn(fault)}, and not for ${host}: ${rename(name)}`;
  }
  if (fault.includes("CaUsedAsEndEntity")) {
    return `is that of an authority (CA:TRUE), as "openssl req -x509" makes it by default, and a server's may not be: ` +
      `make it anew with "-addext basicConstraints=critical,CA:FALSE ${forHost}", and give it by ${
        optionName("caFile")
      }`;
  }
  if (/extended key usage|InvalidPurpose/.test(fault)) {
    return "is not one for servers: its extendedKeyUsage has no serverAuth";
  }
  if (fault.includes("UnsupportedCertVersion")) {
    return `is of X.509 version 1, which names no host: make it anew with "${forHost}"`;
  }
  if (/UnsupportedSignatureAlgorithm/.test(fault)) {
    return "is signed in a way that is not trusted any more, such as SHA-1: make it anew, signed with SHA-256";
  }
  if (/revoked/i.test(fault)) return "has been revoked by its authority";
  return `is not valid: ${escaped(cut(fault, OTHER_CHARS))}`;
}

function isUnknown(fault: string): boolean {
  return fault.startsWith("UnknownIssuer");
}

function unknown(certificate: ShownCertificate | undefined): string {
  const caFile = optionName("caFile");
  if (!certificate) {
    return `is self-signed, or of an authority that is not known here: ${caFile} with the one or the other trusts it`;
  }
  if (certificate.selfSigned) return `is self-signed: ${caFile} with that certificate trusts it`;
  const { issuer } = certificate;
  return `is of an authority that is not known here${issuer === undefined ? "" : `, ${quoted(issuer)}`}: ` +
    `${caFile} with that authority's certificate trusts it`;
}

function namesIn(fault: string): string {
  const names = [...fault.matchAll(/(?:DnsName|IpAddress)\(("?)(.*?)\1\)/g)].map(([, , name = ""]) =>
    quoted(name)
  );
  if (names.length === 0) return "another host";
  const more = names.length > SHOWN_NAMES ? " and others" : "";
  return names.slice(0, SHOWN_NAMES).join(", ") + more;
}

function rename(name: string): string {
  return `call the server by a name that is in it, or add ${name} to its subjectAltName`;
}
