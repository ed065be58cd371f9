/** The socket that is listened on, from its certificate to its orderly end, and why it cannot be had. */
import { ConfigError } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import { within } from "./base/waiting.ts";
import { optionName } from "./base/option_name.ts";
import type { Service } from "./listener/service.ts";
import { Listener } from "./listener/listener.ts";
import type { ConnectionLimits } from "./listener/places.ts";

/** Answers are complete by then and small, so whoever reads has them in a moment. */
const LAST_ANSWERS_MS = 1_000;

/** PEM texts, and the paths that they came from. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

interface ListenOptions extends ConnectionLimits {
  readonly host: string;
  readonly port: number;
  /** HTTPS with HTTP/2 by ALPN. */
  readonly tls?: TlsFiles | undefined;
  readonly maxHeaderBytes: number;
  readonly emit: Sink;
}

/** Throws ConfigError when the address cannot be bound or certificate and key do not fit. */
export function listen(service: Service, { host, port, ...options }: ListenOptions): Listener {
  try {
    return new Listener({ hostname: host.replace(/^\[(.*)\]$/, "$1"), port, service, ...options });
  } catch (cause) {
    throw new ConfigError(listenFault(cause, { host, port, tls: options.tls }), { cause });
  }
}

/** Lets the last answers arrive, but waits for no client that has ceased to read or to send. */
export async function close(listener: Listener): Promise<void> {
  await within(LAST_ANSWERS_MS, listener.shutdown());
  listener.kill();
}

interface Listened {
  readonly host: string;
  readonly port: number;
  readonly tls?: Pick<TlsFiles, "certFile" | "keyFile"> | undefined;
}

/** Why an address cannot be bound, or TLS not be offered, and what to do. */
export function listenFault(cause: unknown, { host, port, tls }: Listened): string {
  const portName = optionName("port");
  if (cause instanceof Deno.errors.AddrInUse) {
    return `${portName} "${port}": the port is in use on ${host}; take another one, or ${portName} 0 for a free one`;
  }
  if (cause instanceof Deno.errors.PermissionDenied) return `${portName} "${port}": ${forbiddenPort(port)}`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof Deno.errors.AddrNotAvailable || /lookup address/.test(reason)) {
    return `${optionName("host")} "${host}": this machine has no such address`;
  }
  const cert = `${optionName("tlsCert")} ${JSON.stringify(tls?.certFile)}`;
  const key = `${optionName("tlsKey")} ${JSON.stringify(tls?.keyFile)}`;
  if (/KeyMismatch/.test(reason)) {
    return `${key}: the key does not belong to the certificate of ${cert}`;
  }
  if (tls && /certificate/i.test(reason)) return `${cert}: holds a broken certificate`;
  if (tls && /key/i.test(reason)) {
    return `${key}: holds a broken private key, or of a kind that is not known`;
  }
  return `Cannot listen on ${host} port ${port}: ${reason}`;
}

function forbiddenPort(port: number): string {
  return port < 1024
    ? "not allowed to use it, since ports below 1024 want the rights of an administrator; " +
      `take a higher one, such as ${optionName("port")} 8000, and have a proxy or a port mapping lead there`
    : `not allowed to use it; take another one, or ${optionName("port")} 0 for a free one`;
}
