/** Clients that send without haste, or read nothing: connections by hand. */
import { inTime } from "../contract/deadline.ts";
import { callTool } from "./rpc.ts";

const encoder = new TextEncoder();
const JSON_HEADERS = {
  Accept: "application/json, text/event-stream",
  "Content-Type": "application/json",
};

export class SlowClient implements Disposable {
  readonly #connection: Deno.Conn;
  #text = "";

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async connect(port: number): Promise<SlowClient> {
    return new SlowClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** The head of a request, and what follows it so far. */
  async begin(head: string, headers: Readonly<Record<string, string>>, begun = ""): Promise<void> {
    const fields = Object.entries({ Host: "127.0.0.1", ...headers });
    const lines = [`${head} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`)];
    await this.write(`${lines.join("\r\n")}\r\n\r\n${begun}`);
  }

  /** A POST whose body is announced and not complete. */
  async beginPost(path: string, announced: number, begun: string): Promise<void> {
    await this.begin(`POST ${path}`, { ...JSON_HEADERS, "Content-Length": `${announced}` }, begun);
  }

  /** A call whose answer it does not read. */
  async call(path: string, name: string, args: unknown, headers = {}): Promise<void> {
    const body = JSON.stringify(callTool(1, name, args));
    await this.begin(`POST ${path}`, {
      ...JSON_HEADERS,
      "Content-Length": `${encoder.encode(body).length}`,
      ...headers,
    }, body);
  }

  async write(text: string): Promise<void> {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** As much as the other end takes: it may have closed the connection. */
  async offer(text: string): Promise<void> {
    await this.write(text).catch((error) => isBroken(error) ? undefined : Promise.reject(error));
  }

  /** Settles with the status of the answer as soon as its head is there. */
  async status(): Promise<number> {
    return Number((await this.read(/HTTP\/1\.1 (\d+) [^]*?\r\n\r\n/))[1]);
  }

  /** Reads on until the text so far matches, and forgets it up to there. */
  async read(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match) {
        this.#text = this.#text.slice(match.index + match[0].length);
        return match;
      }
      if (!await this.#more()) throw new Error(`The connection ended without ${pattern}:\n${this.#text}`);
    }
  }

  /** Settles with how many bytes were left when the other end has closed the connection, or broken it. */
  async ended(): Promise<number> {
    const before = this.#text.length;
    while (
      await inTime(this.#more(), "the end of the connection").catch((error) =>
        isBroken(error) ? false : Promise.reject(error)
      )
    );
    return this.#text.length - before;
  }

  async #more(): Promise<boolean> {
    const bytes = new Uint8Array(64 * 1024);
    const size = await this.#connection.read(bytes);
    if (size !== null) this.#text += new TextDecoder("latin1").decode(bytes.subarray(0, size));
    return size !== null;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}
