/** A connection to where a URL leads: through a proxy where one is named, and over TLS where the scheme says so. */
import { type ByteStream, writeAll } from "../../wire/byte_stream.ts";
import { encodeHead, readHead } from "../../wire/http_head.ts";
import { type Environment, type Proxy, proxyFor, withoutBrackets } from "./proxy.ts";
import { socksTunnel } from "./socks.ts";

export interface DialOptions {
  /** PEM texts of authorities to trust besides the built-in ones. */
  readonly caCerts: readonly string[];
  readonly signal: AbortSignal;
  /** Names the proxies; that of the process by default. */
  readonly env?: Environment | undefined;
}

interface Address {
  readonly hostname: string;
  readonly port: number;
}

const MAX_PROXY_HEAD_BYTES = 16 * 1024;

/** Throws the reason of the signal, or whatever keeps it from the far end. */
export async function dial(url: URL, options: DialOptions): Promise<Deno.Conn> {
  const secure = url.protocol === "wss:" || url.protocol === "https:";
  const target = {
    hostname: withoutBrackets(url.hostname),
    port: Number(url.port) || (secure ? 443 : 80),
  };
  const proxy = proxyFor(url, options.env ?? ((name) => Deno.env.get(name)));
  let connection: Deno.Conn = await Deno.connect({ ...addressOf(proxy ?? target), signal: options.signal });
  if (proxy) connection = await throughProxy(connection, { proxy, target, options });
  return secure ? await overTls(connection, target.hostname, options) : connection;
}

/** What runs with a connection closes it when it fails, and when the signal fires. */
export async function withConnection<T>(
  connection: Deno.Conn,
  signal: AbortSignal,
  run: () => Promise<T>,
): Promise<T> {
  const hangUp = () => connection[Symbol.dispose]();
  if (signal.aborted) hangUp();
  signal.addEventListener("abort", hangUp);
  try {
    return await run();
  } catch (error) {
    hangUp();
    if (signal.aborted) throw signal.reason;
    throw error;
  } finally {
    signal.removeEventListener("abort", hangUp);
  }
}

function addressOf({ hostname, port }: Address): Address {
  return { hostname, port };
}

interface ProxiedOptions {
  readonly proxy: Proxy;
  readonly target: Address;
  readonly options: DialOptions;
}

async function throughProxy(
  connection: Deno.Conn,
  { proxy, target, options }: ProxiedOptions,
): Promise<Deno.Conn> {
  const line = proxy.protocol === "https:" ? await overTls(connection, proxy.hostname, options) : connection;
  const tunnel = proxy.protocol.startsWith("socks") ? socksTunnel : httpTunnel;
  await withConnection(line, options.signal, () => tunnel(line, proxy, target));
  return line;
}

/** RFC 9110, section 9.3.6. */
async function httpTunnel(stream: ByteStream, proxy: Proxy, target: Address): Promise<void> {
  const authority = `${
    target.hostname.includes(":") ? `[${target.hostname}]` : target.hostname
  }:${target.port}`;
  const credentials = btoa(`${proxy.username}:${proxy.password}`);
  const fields: [string, string][] = [["Host", authority]];
  if (proxy.username !== "") fields.push(["Proxy-Authorization", `Basic ${credentials}`]);
  await writeAll(stream, encodeHead({ line: `CONNECT ${authority} HTTP/1.1`, fields }));
  const answer = await readHead(stream, MAX_PROXY_HEAD_BYTES);
  const status = answer?.head.line.match(/^HTTP\/1\.[01] (\d{3})/)?.[1];
  if (status === undefined) throw new Error("the proxy does not speak HTTP");
  if (!status.startsWith("2")) throw new Error(`the proxy answered HTTP ${status}`);
}

async function overTls(connection: Deno.Conn, hostname: string, options: DialOptions): Promise<Deno.Conn> {
  if (!("setNoDelay" in connection)) {
    connection.close();
    throw new Error("a proxy that is reached over TLS carries no TLS: name one by http://");
  }
  const tls = await Deno.startTls(connection as Deno.TcpConn, {
    hostname,
    caCerts: [...options.caCerts],
    alpnProtocols: ["http/1.1"],
  });
  await withConnection(tls, options.signal, () => tls.handshake());
  return tls;
}
