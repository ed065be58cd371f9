/** What both ends of a WebSocket's opening handshake know (RFC 6455, section 4). */
import { createHash, randomBytes } from "node:crypto";

export const VERSION = "13";
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Sixteen bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

export function isKey(text: string): boolean {
  return KEY.test(text);
}

export function newKey(): string {
  return randomBytes(16).toString("base64");
}

/** What answers a key: proof that it was understood. */
export function acceptFor(key: string): string {
  return createHash("sha1").update(key + GUID).digest("base64");
}
