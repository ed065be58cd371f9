/** Requests by hand over TCP: for what `fetch` and `WebSocket` will not send, or will not tell of the answer. */

export interface RawAnswer extends Disposable {
  readonly status: number;
  readonly headers: Headers;
  /** Empty after 101: what follows belongs to the new protocol. */
  readonly body: string;
  /** Open until disposal. */
  readonly connection: Deno.Conn;
}

export interface RawRequest {
  method?: string;
  path?: string;
  /** In addition to Host, and in place of it. */
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

/** Settles with the answer. */
export async function rawRequest(port: number, request: RawRequest): Promise<RawAnswer> {
  const connection = await sendRaw(port, request);
  const answer = await readAnswer(connection).catch((error) => {
    connection.close();
    throw error;
  });
  return { ...answer, connection, [Symbol.dispose]: () => connection.close() };
}

/** Settles when the request is written; closing the connection is a client that vanishes. */
export async function sendRaw(port: number, request: RawRequest): Promise<Deno.Conn> {
  const { method = "GET", path = "/", headers = {}, body = "" } = request;
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const length = body === "" ? {} : { "Content-Length": `${new TextEncoder().encode(body).length}` };
  const fields = Object.entries({ Host: `127.0.0.1:${port}`, ...length, ...headers });
  const head = [`${method} ${path} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  await connection.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`));
  return connection;
}

/** The head of a WebSocket handshake, with the example key of RFC 6455. */
export function upgradeRequest(path: string, headers: Readonly<Record<string, string>> = {}): RawRequest {
  const upgrade = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  return { path, headers: { ...upgrade, ...headers } };
}

async function readAnswer(connection: Deno.Conn) {
  let text = "";
  let answer = parse(text);
  // One byte a character, so that lengths count bytes.
  const decoder = new TextDecoder("latin1");
  for (const chunk = new Uint8Array(4096); !answer;) {
    const size = await connection.read(chunk);
    if (size === null) throw new Error(`The connection ended in the middle of the answer: ${text}`);
    text += decoder.decode(chunk.subarray(0, size), { stream: true });
    answer = parse(text);
  }
  return answer;
}

/** Undefined while the answer is incomplete. */
function parse(text: string) {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [statusLine = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = new Headers(fields.map((field) => splitField(field)));
  const body = text.slice(end + 4);
  if (body.length < Number(headers.get("content-length") ?? 0)) return undefined;
  return { status: Number(statusLine.split(" ")[1]), headers, body };
}

function splitField(field: string): [string, string] {
  const at = field.indexOf(":");
  return [field.slice(0, at), field.slice(at + 1).trim()];
}
