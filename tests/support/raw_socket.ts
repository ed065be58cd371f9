/** A WebSocket by hand, at either end of a real connection: for what no library sends. */
import { type ByteStream, writeAll } from "../../src/wire/byte_stream.ts";
import { acceptFor } from "../../src/wire/web_socket/handshake.ts";
import { concat, frame, frameAt, type FrameParts, MASK, textOfFrame } from "./frames.ts";
import { rawRequest, upgradeRequest } from "./raw_http.ts";
import { serveUpgrades, type UpgradeServer } from "./upgrade_server.ts";

const [TEXT, CLOSE] = [1, 8];
const READ_BYTES = 64 * 1024;

export class RawSocket implements Disposable {
  readonly #stream: ByteStream;
  readonly #mask: readonly number[] | undefined;
  #closed = false;

  constructor(stream: ByteStream, { masked }: { masked: boolean }) {
    this.#stream = stream;
    this.#mask = masked ? MASK : undefined;
  }

  /** A client. */
  static async open(url: string): Promise<RawSocket> {
    const { port, pathname } = new URL(url);
    const { status, connection } = await rawRequest(Number(port), upgradeRequest(pathname));
    if (status !== 101) throw new Error(`No WebSocket: ${status}`);
    return new RawSocket(connection, { masked: true });
  }

  /** The bytes of a frame of this end. */
  frame(parts: FrameParts): Uint8Array {
    return frame({ mask: this.#mask, ...parts });
  }

  /** False when the other end takes no more. */
  async send(bytes: Uint8Array): Promise<boolean> {
    try {
      await writeAll(this.#stream, bytes);
      return true;
    } catch {
      return false;
    }
  }

  async sendFrame(parts: FrameParts): Promise<boolean> {
    return await this.send(this.frame(parts));
  }

  /** The payloads of text frames, as they come; ends with the code of the close frame, undefined where there was none. */
  async *texts(): AsyncGenerator<string, number | undefined> {
    const bytes = new Uint8Array(READ_BYTES);
    let rest = new Uint8Array();
    while (true) {
      const count = await this.#stream.read(bytes).catch(() => null);
      if (count === null) return undefined;
      const come = concat(rest, bytes.subarray(0, count));
      let at = 0;
      for (let next = frameAt(come, at); next; next = frameAt(come, at)) {
        at = next.end;
        const { opcode, payload } = next.frame;
        if (opcode === TEXT) yield textOfFrame(next.frame);
        if (opcode === CLOSE) return payload[0]! << 8 | payload[1]!;
      }
      rest = come.slice(at);
    }
  }

  /** Reads until the other end says goodbye. */
  async closeCode(): Promise<number | undefined> {
    const texts = this.texts();
    while (true) {
      const { value, done } = await texts.next();
      if (done) return value;
    }
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.close();
  }
}

/** A server whose sockets the test plays, one at a time; a socket is closed when `play` settles. */
export function rawSocketServer(play: (socket: RawSocket) => Promise<void>): UpgradeServer {
  return serveUpgrades(({ headers }) =>
    Promise.resolve({
      headers: {
        Upgrade: "websocket",
        Connection: "Upgrade",
        "Sec-WebSocket-Accept": acceptFor(headers.get("sec-websocket-key") ?? ""),
        "Sec-WebSocket-Protocol": "mcp",
      },
      run: async (stream) => {
        using socket = new RawSocket(stream, { masked: false });
        await play(socket);
      },
      withdraw: () => {},
    })
  );
}
