/** How OpenSSH packs what a key consists of (RFC 4251, section 5): each part behind its length. */

interface Field {
  readonly value: Uint8Array;
  /** Where the next one begins. */
  readonly end: number;
}

/** Throws an Error where there is none. */
export function readString(bytes: Uint8Array, at: number): Field {
  const start = at + 4;
  const end = start + readNumber(bytes, at);
  if (end > bytes.length) throw cutOff();
  return { value: bytes.subarray(start, end), end };
}

/** Of four bytes. Throws an Error where there is none. */
export function readNumber(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw cutOff();
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

function cutOff(): Error {
  return new Error("the key is cut off");
}
