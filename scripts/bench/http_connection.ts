/** HTTP/1.1 over a socket of one caller: far cheaper than `fetch`, so that the load is not what is measured. */

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

const CHUNK = 65_536;
const HEAD_END = "\r\n\r\n";

/** The other side hung up in the middle of an answer. */
class HungUpError extends Error {
  override name = "HungUpError";
  override message = "The gateway closed the connection";
}

/** All text is ASCII here: a character is a byte. */
export class HttpConnection {
  readonly #conn: Deno.TcpConn;
  readonly #buffer = new Uint8Array(CHUNK);
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  /** What came behind the last answer. */
  #rest = "";

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async open({ hostname, port }: URL): Promise<HttpConnection> {
    const conn = await Deno.connect({ hostname, port: Number(port) });
    conn.setNoDelay();
    return new HttpConnection(conn);
  }

  /** Sends a whole request and resolves to its whole answer. */
  async exchange(request: string): Promise<Answer> {
    await this.write(request);
    const { head, rest } = await this.readHead();
    return { status: Number(head.slice(9, 12)), head, body: await this.#readBody(head, rest) };
  }

  async write(text: string): Promise<void> {
    await this.writeBytes(this.#encoder.encode(text));
  }

  async writeBytes(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#conn.write(rest));
  }

  /** Resolves to the status line and the headers, and to what came along behind them. */
  async readHead(): Promise<{ head: string; rest: string }> {
    let text = this.#rest;
    let end = text.indexOf(HEAD_END);
    for (; end < 0; end = text.indexOf(HEAD_END)) text += await this.read();
    this.#rest = "";
    return { head: text.slice(0, end + 2), rest: text.slice(end + HEAD_END.length) };
  }

  /** The next piece of text, however long it is. */
  async read(): Promise<string> {
    return this.#decoder.decode(await this.readBytes());
  }

  /** The bytes are valid until the next read. */
  async readBytes(): Promise<Uint8Array> {
    const count = await this.#conn.read(this.#buffer);
    if (count === null) throw new HungUpError();
    return this.#buffer.subarray(0, count);
  }

  close(): void {
    try {
      this.#conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #readBody(head: string, rest: string): Promise<string> {
    const length = header(head, "content-length");
    if (length !== undefined) return await this.#readLength(Number(length), rest);
    return /\r\ntransfer-encoding: chunked\r\n/i.test(head) ? await this.#readChunks(rest) : "";
  }

  async #readLength(length: number, text: string): Promise<string> {
    while (text.length < length) text += await this.read();
    this.#rest = text.slice(length);
    return text.slice(0, length);
  }

  async #readChunks(text: string): Promise<string> {
    for (;;) {
      const body = text.endsWith("0\r\n\r\n") ? joinChunks(text) : undefined;
      if (body !== undefined) return body;
      text += await this.read();
    }
  }
}

/** The value of a header, its name in lower case. */
export function header(head: string, name: string): string | undefined {
  return head.match(new RegExp(`\r\n${name}: *([^\r]*)\r\n`, "i"))?.[1];
}

/** Takes the sizes out of a chunked body; undefined while its end is missing. */
export function joinChunks(text: string): string | undefined {
  let body = "";
  for (let at = 0;;) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (size === 0) return body;
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
    if (at > text.length) return undefined;
  }
}
