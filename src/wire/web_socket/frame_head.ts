/** The head of a frame that comes (RFC 6455, section 5.2): what it is, and how long its payload. */
import { MAX_CONTROL_BYTES, Opcode, protocolError } from "./frames.ts";

/** How long the whole head is, of which this is the second byte. */
export function headBytes(second: number): number {
  const length = second & 0x7f;
  return 2 + (length < 126 ? 0 : length === 126 ? 2 : 8) + (second & 0x80 ? 4 : 0);
}

/**
 * Of the payload. Throws FrameError for a negative one. Both halves are read without a sign; what a number cannot hold
 * exactly is far above any limit.
 */
export function lengthAt(bytes: Uint8Array, at: number): number {
  const short = bytes[at + 1]! & 0x7f;
  if (short < 126) return short;
  if (short === 126) return bytes[at + 2]! << 8 | bytes[at + 3]!;
  const [high, low] = [bigEndianAt(bytes, at + 2), bigEndianAt(bytes, at + 6)];
  if (high >= 2 ** 31) throw protocolError("The length of a frame is negative");
  return high * 2 ** 32 + low;
}

function bigEndianAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}

/** As `applyMask` wants it: the first byte is the lowest. */
export function maskAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
}

/** Throws FrameError for what no control frame may be. */
export function checkControl(opcode: number, final: boolean, length: number): void {
  if (opcode > Opcode.pong) throw protocolError("The opcode is unknown");
  if (!final) throw protocolError("A control frame is fragmented");
  if (length > MAX_CONTROL_BYTES) throw protocolError("A control frame is too long");
}
