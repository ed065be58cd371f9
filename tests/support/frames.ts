/** WebSocket frames by hand (RFC 6455, section 5.2), right or wrong. */

export interface FrameParts {
  opcode: number;
  payload?: Uint8Array | string;
  /** The last one of its message. */
  final?: boolean;
  /** Three bits. */
  reserved?: number;
  /** Four bytes, for a client's frame. */
  mask?: readonly number[] | undefined;
  /** Announced in place of the payload's own. */
  length?: number | bigint;
  /** How many bytes the length has: 0, 2 or 8. */
  lengthBytes?: number;
}

export const MASK = [0x37, 0xfa, 0x21, 0x3d];

export function frame(parts: FrameParts): Uint8Array<ArrayBuffer> {
  const { opcode, final = true, reserved = 0, mask } = parts;
  const payload = bytesOf(parts.payload ?? "");
  const length = BigInt(parts.length ?? payload.length);
  const extra = parts.lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const short = extra === 0 ? Number(length) : extra === 2 ? 126 : 127;
  const head = [(final ? 0x80 : 0) | reserved << 4 | opcode, (mask ? 0x80 : 0) | short];
  for (let at = extra - 1; at >= 0; at--) head.push(Number(length >> BigInt(8 * at) & 0xffn));
  const masked = mask ? payload.map((byte, at) => byte ^ mask[at % 4]!) : payload;
  return concat(Uint8Array.from([...head, ...mask ?? []]), masked);
}

export interface ReadFrame {
  readonly opcode: number;
  readonly final: boolean;
  readonly masked: boolean;
  readonly payload: Uint8Array;
}

/** What whole frames say; throws for a rest. */
export function readFrames(bytes: Uint8Array): ReadFrame[] {
  const frames: ReadFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    const next = frameAt(bytes, at);
    if (!next) throw new Error("A frame is cut off");
    frames.push(next.frame);
    at = next.end;
  }
  return frames;
}

/** The frame that begins there, and where it ends; undefined while it is not complete. */
export function frameAt(bytes: Uint8Array, at: number): { frame: ReadFrame; end: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  if (view.byteLength < 2) return undefined;
  const [first, second] = [view.getUint8(0), view.getUint8(1)];
  const masked = second > 0x7f;
  const short = second & 0x7f;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const head = 2 + extra + (masked ? 4 : 0);
  if (view.byteLength < head) return undefined;
  const length = extra === 0 ? short : extra === 2 ? view.getUint16(2) : Number(view.getBigUint64(2));
  const start = at + head;
  const end = start + length;
  if (end > bytes.length) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const payload = bytes.slice(start, end);
  if (masked) payload.forEach((byte, index) => payload[index] = byte ^ mask[index % 4]!);
  return { frame: { opcode: first & 0x0f, final: first > 0x7f, masked, payload }, end };
}

/** The payload of a close frame. */
export function closing(code: number, reason: Uint8Array | string = ""): Uint8Array<ArrayBuffer> {
  return concat(Uint8Array.of(code >> 8, code & 0xff), bytesOf(reason));
}

export function textOfFrame({ payload }: Pick<ReadFrame, "payload">): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function bytesOf(value: Uint8Array | string): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}
