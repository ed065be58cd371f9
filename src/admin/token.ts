/** The token of an admin endpoint. */
import { createHash, timingSafeEqual } from "node:crypto";

const TOKEN_BYTES = 32;

export function makeToken(): string {
  return crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/** In a time that does not depend on where they differ: digests have one length, whatever was sent. */
export function isSameToken(one: string, other: string): boolean {
  return timingSafeEqual(digestOf(one), digestOf(other));
}

function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
