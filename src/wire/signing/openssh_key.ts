/** The private keys of OpenSSH, which no library of the runtime reads: PROTOCOL.key of its sources describes them. */
import { Buffer } from "node:buffer";
import { rawInBlob, SSH_TYPE } from "./public_key.ts";
import { readNumber, readString } from "./ssh_fields.ts";

const BLOCK = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/;
const MAGIC = "openssh-key-v1\0";

interface OpensshKey {
  /** The private key. */
  readonly seed: Uint8Array;
  /** The public one. */
  readonly raw: Uint8Array;
}

/** Throws an Error for what is broken, and for a key of another kind. */
export function parseOpensshKey(text: string): OpensshKey | "encrypted" {
  const bytes = new Uint8Array(Buffer.from(BLOCK.exec(text)?.[1] ?? "", "base64"));
  if (textOf(bytes.subarray(0, MAGIC.length)) !== MAGIC) throw broken();
  const cipher = readString(bytes, MAGIC.length);
  const kdf = readString(bytes, cipher.end);
  const kdfOptions = readString(bytes, kdf.end);
  if (readNumber(bytes, kdfOptions.end) !== 1) throw broken();
  const publicKey = readString(bytes, kdfOptions.end + 4);
  refuseOtherKinds(publicKey.value);
  if (textOf(cipher.value) !== "none") return "encrypted";
  return readPrivatePart(readString(bytes, publicKey.end).value, rawInBlob(publicKey.value));
}

function readPrivatePart(bytes: Uint8Array, raw: Uint8Array): OpensshKey {
  // The same number twice tells that it was decrypted rightly.
  if (readNumber(bytes, 0) !== readNumber(bytes, 4)) throw broken();
  const type = readString(bytes, 8);
  if (textOf(type.value) !== SSH_TYPE) throw broken();
  const publicKey = readString(bytes, type.end);
  // The private key, and behind it the public one once more.
  const both = readString(bytes, publicKey.end);
  return { seed: both.value.subarray(0, -publicKey.value.length), raw };
}

function refuseOtherKinds(blob: Uint8Array): void {
  const type = textOf(readString(blob, 0).value);
  if (type === SSH_TYPE) return;
  const named = /^[\w@.-]{1,60}$/.test(type) ? `, and this is ${type}` : "";
  throw new Error(`expected a private key of Ed25519 (ssh-keygen -t ed25519)${named}`);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

function broken(): Error {
  return new Error("the private key of OpenSSH is broken");
}
