/** A remote over HTTP/2 that refuses what it has not read as RFC 9113 lets it, or drops what it has. */
import { politeAnswer } from "./scripted_remote.ts";
import type { AnyMessage } from "./rpc.ts";

/**
 * `refuse` resets the stream, `goAway` says that it was beyond the last one that counts, and `goAwayLate` that it was
 * the last one, which has been taken: the end follows without an answer.
 */
export type Verdict = "answer" | "refuse" | "goAway" | "goAwayLate";

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, GOAWAY = 7;
const END_STREAM = 1, ACK = 1, END_HEADERS = 4;
const NO_ERROR = 0, REFUSED_STREAM = 7;

/** HPACK without compression: `:status` by its place in the static table, the type as a literal. */
const STATUS = { 200: [0x88], 202: [0x08, 3, ...bytes("202")], 405: [0x08, 3, ...bytes("405")] };
const JSON_TYPE = [0x0f, 0x10, 16, ...bytes("application/json")];

export class RefusingHttp2 implements AsyncDisposable {
  /** What came, in order, what was refused too. */
  readonly messages: AnyMessage[] = [];
  connections = 0;
  readonly url: string;
  readonly #listener: Deno.TlsListener;
  readonly #judge: (message: AnyMessage) => Verdict;
  readonly #open = new Set<Deno.TlsConn>();
  readonly #serving: Promise<void>[] = [];

  constructor(tls: { cert: string; key: string }, judge: (message: AnyMessage) => Verdict) {
    const { cert, key } = tls;
    this.#listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key, alpnProtocols: ["h2"] });
    this.url = `https://127.0.0.1:${this.#listener.addr.port}/mcp`;
    this.#judge = judge;
    this.#serving.push(this.#accept());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    await Promise.all(this.#serving);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      this.#open.add(connection);
      this.#serving.push(this.#serve(connection).catch(() => {}).finally(() => this.#end(connection)));
    }
  }

  #end(connection: Deno.TlsConn): void {
    if (this.#open.delete(connection)) connection.close();
  }

  async #serve(connection: Deno.TlsConn): Promise<void> {
    const read = exactly(connection);
    await read(PREFACE_BYTES);
    await send(connection, { type: SETTINGS });
    const bodies = new Map<number, string>();
    while (this.#open.has(connection)) {
      const head = await read(HEAD_BYTES);
      const view = new DataView(head.buffer);
      const [type, flags, stream] = [view.getUint8(3), view.getUint8(4), view.getUint32(5)];
      const payload = await read(view.getUint32(0) >>> 8);
      if (type === SETTINGS && !(flags & ACK)) await send(connection, { type: SETTINGS, flags: ACK });
      if (type === DATA) bodies.set(stream, (bodies.get(stream) ?? "") + new TextDecoder().decode(payload));
      const complete = (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0;
      if (complete) await this.#settle(connection, stream, bodies.get(stream));
    }
  }

  async #settle(connection: Deno.TlsConn, stream: number, body: string | undefined): Promise<void> {
    // Neither a stream of its own nor sessions.
    if (body === undefined) return await respond(connection, stream, 405);
    const message: AnyMessage = JSON.parse(body);
    this.messages.push(message);
    switch (this.#judge(message)) {
      case "refuse":
        return await send(connection, { type: RST_STREAM, stream, payload: words(REFUSED_STREAM) });
      case "goAway":
        return await send(connection, { type: GOAWAY, payload: words(stream - 2, NO_ERROR) });
      case "goAwayLate":
        await send(connection, { type: GOAWAY, payload: words(stream, NO_ERROR) });
        return this.#end(connection);
      case "answer":
        if (message.id === undefined) return await respond(connection, stream, 202);
        return await respond(connection, stream, 200, JSON.stringify(politeAnswer(message)));
    }
  }
}

interface Frame {
  readonly type: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: readonly number[];
}

async function send(connection: Deno.TlsConn, { type, flags = 0, stream = 0, payload = [] }: Frame) {
  const size = words(payload.length).slice(1);
  await writeAll(connection, new Uint8Array([...size, type, flags, ...words(stream), ...payload]));
}

async function respond(connection: Deno.TlsConn, stream: number, status: keyof typeof STATUS, body?: string) {
  const flags = END_HEADERS | (body === undefined ? END_STREAM : 0);
  const payload = [...STATUS[status], ...body === undefined ? [] : JSON_TYPE];
  await send(connection, { type: HEADERS, flags, stream, payload });
  if (body === undefined) return;
  await send(connection, { type: DATA, flags: END_STREAM, stream, payload: bytes(body) });
}

function exactly(connection: Deno.TlsConn): (size: number) => Promise<Uint8Array<ArrayBuffer>> {
  let held: number[] = [];
  const piece = new Uint8Array(16 * 1024);
  return async (size) => {
    while (held.length < size) {
      const count = await connection.read(piece);
      if (count === null) throw new Error("The client has left");
      held.push(...piece.subarray(0, count));
    }
    const taken = held.slice(0, size);
    held = held.slice(size);
    return new Uint8Array(taken);
  };
}

async function writeAll(connection: Deno.TlsConn, all: Uint8Array): Promise<void> {
  for (let written = 0; written < all.length;) written += await connection.write(all.subarray(written));
}

function bytes(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

/** Each in four bytes, the highest first. */
function words(...values: readonly number[]): number[] {
  return values.flatMap((value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff));
}
