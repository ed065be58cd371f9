/** A connection that speaks WebSocket from then on: the client's opening handshake (RFC 6455, section 4.1). */
import { optionName } from "../../base/option_name.ts";
import { type ByteStream, withBefore, writeAll } from "../../wire/byte_stream.ts";
import {
  encodeHead,
  fieldOf,
  type Head,
  membersOf,
  readHead,
  type ReceivedHead,
} from "../../wire/http_head.ts";
import { acceptFor, newKey, VERSION } from "../../wire/web_socket/handshake.ts";
import { ConfigError } from "../../core/errors.ts";
import { tlsFault } from "./tls_fault.ts";
import { dial, type DialOptions, withConnection } from "./dial.ts";
import { displayUrl, RemoteError } from "./remote_error.ts";

export interface SocketRequest extends DialOptions {
  readonly protocol: string;
  /** Besides those of the handshake. */
  readonly headers: Readonly<Record<string, string>>;
}

const MAX_HEAD_BYTES = 64 * 1024;
/** Those that say "wait", before the one that counts. */
const MAX_INTERIM_ANSWERS = 10;
/** What the handshake says itself. */
const OWN_FIELDS =
  /^(connection|upgrade|content-length|transfer-encoding|sec-websocket-(accept|extensions|key|protocol|version))$/;

/** Throws RemoteError when there is no such socket, and the reason of the signal. */
export async function openWebSocket(url: URL, request: SocketRequest): Promise<ByteStream> {
  const { signal } = request;
  try {
    signal.throwIfAborted();
    const connection = await dial(url, request);
    return await withConnection(connection, signal, () => shakeHands(connection, url, request));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof RemoteError) throw error;
    throw await tlsFault(url, error, signal) ?? unreachable(url, error);
  }
}

async function shakeHands(stream: ByteStream, url: URL, request: SocketRequest): Promise<ByteStream> {
  const key = newKey();
  await writeAll(stream, encodeHead(requestHead(url, key, request)));
  const { head, rest } = await finalAnswer(stream);
  checkAnswer(head, url, { key, protocol: request.protocol });
  return withBefore(rest, stream);
}

function requestHead(
  { pathname, search, host }: URL,
  key: string,
  { protocol, headers }: SocketRequest,
): Head {
  const more = checked(headers);
  for (const name of [...more.keys()]) if (OWN_FIELDS.test(name)) more.delete(name);
  if (!more.has("host")) more.set("host", host);
  if (!more.has("user-agent")) more.set("user-agent", navigator.userAgent);
  return {
    line: `GET ${pathname}${search} HTTP/1.1`,
    fields: [
      ...more,
      ["connection", "Upgrade"],
      ["upgrade", "websocket"],
      ["sec-websocket-version", VERSION],
      ["sec-websocket-key", key],
      ["sec-websocket-protocol", protocol],
    ],
  };
}

/** None becomes a line of its own. */
function checked(headers: Readonly<Record<string, string>>): Headers {
  try {
    return new Headers(headers);
  } catch {
    // What the runtime says of it has its value.
    throw new Error("a header that it was to be sent is not valid");
  }
}

async function finalAnswer(stream: ByteStream): Promise<ReceivedHead> {
  let from = stream;
  for (let answers = 0; answers < MAX_INTERIM_ANSWERS; answers++) {
    const answer = await readHead(from, MAX_HEAD_BYTES);
    if (!answer) throw new Error("the socket was closed");
    const status = statusOf(answer.head);
    if (status === 101 || !(status < 200)) return answer;
    from = withBefore(answer.rest, stream);
  }
  throw new Error("it is told to wait again and again");
}

interface Expected {
  readonly key: string;
  readonly protocol: string;
}

/** RFC 6455, section 4.1, "Client Requirements"; a server that names no subprotocol speaks the only one that there is. */
function checkAnswer(head: Head, url: URL, { key, protocol }: Expected): void {
  const status = statusOf(head);
  if (status !== 101) throw refusal(url, status);
  const agreed = fieldOf(head, "sec-websocket-protocol") ?? protocol;
  if (
    !membersOf(head, "upgrade").includes("websocket") || !membersOf(head, "connection").includes("upgrade") ||
    fieldOf(head, "sec-websocket-accept") !== acceptFor(key) || agreed !== protocol ||
    fieldOf(head, "sec-websocket-extensions") !== undefined
  ) {
    throw new Error("its WebSocket handshake is not valid");
  }
}

function statusOf({ line }: Head): number {
  const status = line.match(/^HTTP\/1\.[01] (\d{3})(?: |$)/)?.[1];
  if (status === undefined) throw new Error("it does not speak HTTP");
  return Number(status);
}

function refusal(url: URL, status: number): RemoteError {
  const credentials = `${optionName("oauth2Bearer")} or ${optionName("header")}`;
  const way = status === 401 || status === 403
    ? `: give credentials that count there, by ${credentials}`
    : "";
  const what = `${displayUrl(url)} answered HTTP ${status}${way}`;
  return new RemoteError(what, { delivered: false, remoteStatus: status });
}

function unreachable(url: URL, cause: unknown): RemoteError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const reason = text.replace(/ \(os error \d+\)/, "");
  // What the environment says stays the same, however often it is tried.
  const permanent = cause instanceof ConfigError;
  return new RemoteError(`Cannot reach ${displayUrl(url)}: ${reason}`, {
    delivered: false,
    permanent,
    cause,
  });
}
