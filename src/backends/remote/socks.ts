/** The way through a SOCKS proxy, version 5 (RFC 1928, RFC 1929): it is told a name, and looks that up itself. */
import { type ByteStream, writeAll } from "../../wire/byte_stream.ts";

const VERSION = 5;
const CONNECT = 1;
const [NO_AUTHENTICATION, PASSWORD] = [0, 2];
const PASSWORD_VERSION = 1;
/** Lengths are a byte. */
const MAX_BYTES = 255;
const AddressType = { v4: 1, name: 3, v6: 4 };
const REASONS = [
  "",
  "general failure",
  "not allowed",
  "network unreachable",
  "host unreachable",
  "connection refused",
];

interface SocksCredentials {
  readonly username: string;
  readonly password: string;
}

/** Settles when the stream leads to the target. */
export async function socksTunnel(
  stream: ByteStream,
  { username, password }: SocksCredentials,
  { hostname, port }: { hostname: string; port: number },
): Promise<void> {
  const encoder = new TextEncoder();
  const method = username === "" ? NO_AUTHENTICATION : PASSWORD;
  await writeAll(stream, Uint8Array.of(VERSION, 1, method));
  const [, chosen] = await readExactly(stream, 2);
  if (chosen !== method) throw new Error("the proxy wants another way of authentication");
  if (method === PASSWORD) {
    const [name, word] = [encoder.encode(username), encoder.encode(password)];
    if (Math.max(name.length, word.length) > MAX_BYTES) {
      throw new Error("the credentials are too long for the proxy");
    }
    await writeAll(
      stream,
      Uint8Array.of(PASSWORD_VERSION, name.length, ...name, word.length, ...word),
    );
    const [, refused] = await readExactly(stream, 2);
    if (refused !== 0) throw new Error("the proxy does not take the credentials");
  }
  const host = encoder.encode(hostname);
  if (host.length > MAX_BYTES) throw new Error("the name of the host is too long for the proxy");
  await writeAll(
    stream,
    Uint8Array.of(VERSION, CONNECT, 0, AddressType.name, host.length, ...host, port >> 8, port & 0xff),
  );
  const [, failure = 1, , type] = await readExactly(stream, 4);
  if (failure !== 0) throw new Error(`the proxy cannot reach it: ${REASONS[failure] ?? `reply ${failure}`}`);
  const [length = 0] = type === AddressType.name ? await readExactly(stream, 1) : [];
  await readExactly(stream, (type === AddressType.v4 ? 4 : type === AddressType.v6 ? 16 : length) + 2);
}

async function readExactly(stream: ByteStream, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const read = await stream.read(bytes.subarray(at));
    if (read === null) throw new Error("the proxy hung up");
    at += read;
  }
  return bytes;
}
