/** The URL of a remote server, and what is wrong with a text that should be one. */

const SCHEME = /^([a-z][a-z0-9+.-]*):(\/*)/i;
const AUTHORITY = /^[a-z]+:\/\/(?:[^/?#\\]*@)?(\[[^\]]*\]|[^/?#\\:]*)(?::([^/?#\\]*))?/i;
/** A host with what shows that one is meant: a dot, a port, the name of this machine, or a path that servers have. */
const WITHOUT_SCHEME = /^((?:\[[0-9a-f:]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::\d+)?)(\/[^?#]*)?(?:[?#]|$)/i;
const SERVER_PATH = /\/(mcp|sse|ws|message)\/?$/i;
const FILE = /\.([cm]?[jt]s|py|sh|exe|cmd|bat|jar|rb|php|json|ya?ml|toml)$/i;
const LOCAL = /^(localhost|127\.|\[::1\])/i;

/**
 * Undefined for what names no host: a URL parser takes `https:///mcp` and `https:mcp` for a URL of the host `mcp`.
 */
export function parseServerUrl(text: string, protocols: readonly string[]): URL | undefined {
  const url = URL.parse(text);
  return url && protocols.includes(url.protocol) && faultOf(text, protocols) === undefined ? url : undefined;
}

/** What is wrong with it and what to write, without what may be a secret; undefined for what is meant for no URL. */
export function urlFault(text: string, protocols: readonly string[]): string | undefined {
  return faultOf(text, protocols) ??
    (SCHEME.test(text) && text.includes("://") && URL.parse(text) === null
      ? "this is no URL that can be read"
      : undefined);
}

function faultOf(text: string, protocols: readonly string[]): string | undefined {
  return missingScheme(text, protocols) ?? schemeFault(text, protocols) ?? authorityFault(text);
}

function missingScheme(text: string, protocols: readonly string[]): string | undefined {
  const [, authority = "", path = ""] = WITHOUT_SCHEME.exec(text) ?? [];
  const host = authority.replace(/:\d+$/, "");
  const meant = /\.[a-z0-9]|^localhost$|^\[/i.test(host) || host !== authority || SERVER_PATH.test(path);
  if (authority === "" || !meant || (path === "" && FILE.test(host))) return undefined;
  const [plain = "", secure = plain] = protocols;
  return `the URL lacks its scheme, as in ${LOCAL.test(host) ? plain : secure}//${authority}${
    SERVER_PATH.test(path) ? path : "/…"
  }`;
}

function schemeFault(text: string, protocols: readonly string[]): string | undefined {
  const [, scheme = "", slashes = ""] = SCHEME.exec(text) ?? [];
  const protocol = `${scheme.toLowerCase()}:`;
  if (scheme === "" || (!protocols.includes(protocol) && slashes.length < 2)) return undefined;
  if (!protocols.includes(protocol)) return `its scheme ${protocol}// is none of ${names(protocols)}`;
  return slashes.length < 2 ? `two slashes belong behind ${protocol}, as in ${protocol}//host/…` : undefined;
}

function authorityFault(text: string): string | undefined {
  const [, host, port = ""] = AUTHORITY.exec(text) ?? [];
  if (host === undefined) return undefined;
  if (host === "") return "it names no host, as in https://host/mcp";
  if (/^\d*$/.test(port) && Number(port) <= 65535) return undefined;
  return `its port ${/^\d{1,9}$/.test(port) ? `${port} ` : ""}is no number from 0 to 65535`;
}

function names(protocols: readonly string[]): string {
  return protocols.map((protocol) => `${protocol}//`).join(", ");
}
