/** Plain HTTP beside HTTPS: each request is led to the same host and path there, and nothing else is answered. */
import type { ProcessConfig } from "./config/mod.ts";
import type { Sink } from "./core/events.ts";
import { behind } from "./core/http_policy.ts";
import { hostGuard } from "./http_policies.ts";
import type { Listener } from "./listener/listener.ts";
import type { ConnectionLimits } from "./listener/places.ts";
import type { Service } from "./listener/service.ts";
import { finishAnswers } from "./policies/answers.ts";
import { listen } from "./server.ts";

/** None of them has anything to wait for; the idlest gives way. They are among what is left for our own files. */
const MAX_CONNECTIONS = 32;
const HTTPS_PORT = 443;

interface RedirectOptions {
  readonly process: ProcessConfig;
  /** Those of HTTPS. */
  readonly limits: ConnectionLimits;
  /** Throws RequestError for an address that may not connect. */
  readonly refuse: ((address: string) => void) | undefined;
  /** Where clients find HTTPS. */
  readonly httpsPort: () => number;
  readonly emit: Sink;
}

/** Throws ConfigError when the port cannot be bound. */
export function listenForRedirects(port: number, options: RedirectOptions): Listener {
  const { process: { listen: { host, maxHeaderBytes, headerTimeoutMs } }, limits, refuse, emit } = options;
  return listen(redirects(options), {
    ...{ ...limits, host, port, portOption: "httpRedirectPort", maxHeaderBytes, refuse },
    maxConnections: Math.min(MAX_CONNECTIONS, limits.maxConnections),
    maxConnectionsPerAddress: Math.min(MAX_CONNECTIONS / 2, limits.maxConnectionsPerAddress),
    idleTimeoutMs: Math.min(headerTimeoutMs, limits.idleTimeoutMs),
    emit: apart(emit),
  });
}

/** Also who wishes for a WebSocket is answered so. */
function redirects({ process, httpsPort, emit }: RedirectOptions): Service {
  const policies = [finishAnswers(emit), hostGuard(process)];
  const request = behind<Response>(policies, (request) => {
    const headers = { Location: httpsUrl(request, httpsPort()), "Cache-Control": "no-store" };
    return new Response(null, { status: 308, headers });
  });
  return { request, upgrade: () => undefined };
}

/** The guard has found host and authority to be ours by then. The rest is as it was sent. */
function httpsUrl({ url, headers }: Request, port: number): string {
  const authority = url.indexOf("://") + 3;
  const end = url.slice(authority).search(/[/?#]/);
  const [said, rest] = end < 0
    ? [url.slice(authority), ""]
    : [url.slice(authority, authority + end), url.slice(authority + end)];
  const hostname = URL.parse(`http://${headers.get("host") ?? said}`)?.hostname ?? "localhost";
  // The runtime makes letters of bytes that are to be escaped in a header.
  const escaped = rest.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  const target = escaped.startsWith("/") ? escaped : `/${escaped}`;
  return `https://${hostname}${port === HTTPS_PORT ? "" : `:${port}`}${target}`;
}

/** That nobody can connect is said of HTTPS alone. */
function apart(emit: Sink): Sink {
  return (event) => {
    if (event.type === "listener.recovered") return;
    if (event.type !== "listener.trouble") return emit(event);
    emit({ type: "warning", text: `Nobody can be led from plain HTTP to HTTPS: ${event.reason}` });
  };
}
