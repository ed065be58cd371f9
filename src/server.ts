/** The socket that is listened on, from its certificate to its orderly end, and why it cannot be had. */
import { ConfigError, messageOf } from "./core/errors.ts";
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
  /** The options that name them. */
  readonly certOption: "tlsCert" | "tlsSelfSigned";
  readonly keyOption: "tlsKey" | "tlsSelfSigned";
}

type PortOption = "port" | "httpRedirectPort";

interface ListenOptions extends ConnectionLimits {
  readonly host: string;
  readonly port: number;
  /** Which names it; `port` by default. */
  readonly portOption?: PortOption;
  /** HTTPS with HTTP/2 by ALPN. */
  readonly tls?: TlsFiles | undefined;
  readonly maxHeaderBytes: number;
  /** Throws RequestError for an address that may not connect. */
  readonly refuse?: ((address: string) => void) | undefined;
  readonly emit: Sink;
}

/** Throws ConfigError when the address cannot be bound or certificate and key do not fit. */
export function listen(service: Service, { host, port, portOption, ...options }: ListenOptions): Listener {
  try {
    return new Listener({ hostname: host.replace(/^\[(.*)\]$/, "$1"), port, service, ...options });
  } catch (cause) {
    throw new ConfigError(listenFault(cause, { host, port, portOption, tls: options.tls }), { cause });
  }
}

/** Has new connections be served with others. Throws ConfigError where they do not fit, and then nothing has changed. */
export function renewTls(listener: Listener, tls: TlsFiles): void {
  try {
    listener.renew(tls);
  } catch (cause) {
    throw new ConfigError(tlsFault(cause, tls) ?? messageOf(cause), { cause });
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
  readonly portOption?: PortOption | undefined;
  readonly tls?: TlsFiles | undefined;
}

/** Why an address cannot be bound, or TLS not be offered, and what to do. */
export function listenFault(cause: unknown, { host, port, portOption = "port", tls }: Listened): string {
  const portName = optionName(portOption);
  if (cause instanceof Deno.errors.AddrInUse) {
    return `${portName} "${port}": the port is in use on ${host}; take another one, or ${portName} 0 for a free one`;
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return `${portName} "${port}": ${forbiddenPort(portName, port)}`;
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof Deno.errors.AddrNotAvailable || /lookup address/.test(reason)) {
    return `${optionName("host")} "${host}": this machine has no such address`;
  }
  return (tls && tlsFault(cause, tls)) ?? `Cannot listen on ${host} port ${port}: ${reason}`;
}

/** Undefined for what has nothing to do with certificate and key. */
function tlsFault(
  cause: unknown,
  { certOption, certFile, keyOption, keyFile }: TlsFiles,
): string | undefined {
  const reason = messageOf(cause);
  const cert = `${optionName(certOption)} ${JSON.stringify(certFile)}`;
  const key = `${optionName(keyOption)} ${JSON.stringify(keyFile)}`;
  if (/KeyMismatch/.test(reason)) return `${key}: the key does not belong to the certificate of ${cert}`;
  if (/certificate/i.test(reason)) return `${cert}: holds a broken certificate`;
  return /key/i.test(reason)
    ? `${key}: holds a broken private key, or of a kind that is not known`
    : undefined;
}

function forbiddenPort(portName: string, port: number): string {
  return port < 1024
    ? "not allowed to use it, since ports below 1024 want the rights of an administrator; " +
      `take a higher one, such as ${portName} 8000, and have a proxy or a port mapping lead there`
    : `not allowed to use it; take another one, or ${portName} 0 for a free one`;
}
