/** Where an issuer says that its keys are. */
import { quoted } from "../../base/outside.ts";
import { isObject } from "../../core/message/jsonrpc.ts";
import { type FetchLimits, fetchText, UnreachableError } from "./issuer_fetch.ts";

/** The URL of its keys. Throws UnreachableError where no metadata says so, or those of somebody else. */
export async function discoverKeys(issuer: string, limits: FetchLimits): Promise<string> {
  const faults: string[] = [];
  for (const url of metadataUrls(issuer)) {
    try {
      return keysIn(await fetchText(url, limits), issuer, url);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      faults.push(error.message);
    }
  }
  throw new UnreachableError(faults.join("; "));
}

/** OpenID Connect Discovery 1.0, section 4, and RFC 8414, section 3, with both places where a path may stand. */
function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, "");
  const [openid, oauth] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];
  return [...new Set([origin + path + openid, origin + oauth + path, origin + openid + path])];
}

function keysIn(text: string, issuer: string, url: string): string {
  const metadata = parsed(text);
  if (!isObject(metadata)) throw new UnreachableError(`${url} is answered with no JSON object`);
  // RFC 8414, section 3.3: who is somebody else must not be taken for the issuer.
  if (metadata.issuer !== issuer) {
    throw new UnreachableError(`${url} has the metadata of another issuer, ${quoted(metadata.issuer)}`);
  }
  const keys = typeof metadata.jwks_uri === "string" ? URL.parse(metadata.jwks_uri) : undefined;
  // Keys that came unencrypted would be worth as little as metadata that did.
  const protocols = issuer.startsWith("https:") ? ["https:"] : ["https:", "http:"];
  if (keys && protocols.includes(keys.protocol)) return keys.href;
  throw new UnreachableError(`${url} has no jwks_uri that begins with ${protocols.join(" or ")}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
