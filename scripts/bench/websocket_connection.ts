/** A WebSocket client that spares itself the masking: a mask of zeros changes nothing. */
import { HttpConnection } from "./http_connection.ts";

const TEXT = 0x1;
const PING = 0x9;
const PONG = 0xa;
const FINAL = 0x80;
const MASKED = 0x80;

export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

export class WebSocketConnection {
  readonly #http: HttpConnection;
  readonly #encoder = new TextEncoder();

  private constructor(http: HttpConnection) {
    this.#http = http;
  }

  static async open(url: URL): Promise<WebSocketConnection> {
    const http = await HttpConnection.open(url);
    await http.write(upgradeRequest(url));
    const { head } = await http.readHead();
    if (head.slice(9, 12) !== "101") throw new Error(`No WebSocket: ${head.split("\r\n")[0]}`);
    return new WebSocketConnection(http);
  }

  async send(text: string): Promise<void> {
    await this.#http.writeBytes(encodeFrame(TEXT, this.#encoder.encode(text)));
  }

  /** The messages of a server that does not fragment them; throws when the socket closes. */
  async *messages(): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    for (let bytes = new Uint8Array();;) {
      const { frames, rest } = decodeFrames(bytes);
      for (const { opcode, payload } of frames) {
        if (opcode === TEXT) yield decoder.decode(payload);
        if (opcode === PING) await this.#http.writeBytes(encodeFrame(PONG, payload));
      }
      bytes = concat(rest, await this.#http.readBytes());
    }
  }

  close(): void {
    this.#http.close();
  }
}

function upgradeRequest({ pathname, host }: URL): string {
  return [
    `GET ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${btoa("0123456789abcdef")}`,
    "Sec-WebSocket-Protocol: mcp",
    "\r\n",
  ].join("\r\n");
}

/** A client's frame. */
export function encodeFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = new Uint8Array(2 + extra + 4 + length);
  const view = new DataView(frame.buffer);
  frame[0] = FINAL | opcode;
  frame[1] = MASKED | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) view.setUint16(2, length);
  if (extra === 8) view.setBigUint64(2, BigInt(length));
  frame.set(payload, 2 + extra + 4);
  return frame;
}

/** Splits what a server sent into whole frames and the rest. */
export function decodeFrames(bytes: Uint8Array): { frames: Frame[]; rest: Uint8Array } {
  const frames: Frame[] = [];
  let at = 0;
  for (let frame = frameAt(bytes, at); frame; frame = frameAt(bytes, at)) {
    frames.push(frame);
    at = frame.end;
  }
  return { frames, rest: bytes.subarray(at) };
}

function frameAt(bytes: Uint8Array, at: number): Frame & { end: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  if (view.byteLength < 2) return undefined;
  const short = view.getUint8(1) & 0x7f;
  const header = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (view.byteLength < header) return undefined;
  const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
  if (view.byteLength < header + length) return undefined;
  const start = at + header;
  return {
    opcode: view.getUint8(0) & 0x0f,
    payload: bytes.subarray(start, start + length),
    end: start + length,
  };
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
