/** Public keys of Ed25519 (RFC 8032), as OpenSSH and as PEM write them. */
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, verify } from "node:crypto";
import { readString } from "./ssh_fields.ts";

export const SSH_TYPE = "ssh-ed25519";
const KEY_BYTES = 32;
/** What stands before the key in its form as DER (RFC 8410, section 4). */
const SPKI_PREFIX = Uint8Array.fromHex("302a300506032b6570032100");
/** Four characters for three bytes; an end that is left out is as one that is there. */
const BASE64 = /^[A-Za-z0-9+/]{40,1000}={0,2}$/;

export interface PublicKey {
  /** As `ssh-keygen -l` shows it: `SHA256:…`. */
  readonly fingerprint: string;
  /** As OpenSSH writes it, without a comment. */
  readonly line: string;
  verify(data: Uint8Array, signature: Uint8Array): boolean;
}

/** Of its 32 bytes. Throws an Error for another number of them. */
export function publicKeyOf(raw: Uint8Array): PublicKey {
  if (raw.length !== KEY_BYTES) throw new Error("expected a key of Ed25519, which has 32 bytes");
  const der = Buffer.concat([SPKI_PREFIX, raw]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  const blob = sshBlob(raw);
  const digest = createHash("sha256").update(blob).digest("base64");
  return {
    fingerprint: `SHA256:${digest.replace(/=+$/, "")}`,
    line: `${SSH_TYPE} ${blob.toString("base64")}`,
    verify: (data, signature) => signature.length === 64 && verify(null, data, key, signature),
  };
}

/** A key and what stands behind it: `ssh-ed25519 AAAA… name`, or the base64 of a PEM file in one line. */
interface KeyLine {
  readonly key: PublicKey;
  readonly words: readonly string[];
}

/** Throws an Error that says what was expected. */
export function parseKeyLine(line: string): KeyLine {
  const [first = "", ...words] = line.trim().split(/[\s,]+/);
  if (first === SSH_TYPE) {
    const [blob = "", ...rest] = words;
    return { key: publicKeyOf(rawInBlob(bytesOf(blob))), words: rest };
  }
  if (/^(ssh|ecdsa|sk)-/.test(first)) throw new Error(`expected a key of Ed25519 (${SSH_TYPE})`);
  return { key: publicKeyOf(rawInDer(bytesOf(first))), words };
}

/** The bytes of a public key as OpenSSH packs them. Throws an Error for what is none of Ed25519. */
export function rawInBlob(blob: Uint8Array): Uint8Array {
  const type = readString(blob, 0);
  if (new TextDecoder().decode(type.value) !== SSH_TYPE) throw noKey();
  const raw = readString(blob, type.end);
  if (raw.end !== blob.length) throw noKey();
  return raw.value;
}

function rawInDer(bytes: Uint8Array): Uint8Array {
  const prefix = bytes.subarray(0, SPKI_PREFIX.length);
  if (prefix.toHex() !== SPKI_PREFIX.toHex()) throw noKey();
  return bytes.subarray(SPKI_PREFIX.length);
}

function bytesOf(base64: string): Uint8Array {
  if (!BASE64.test(base64)) throw noKey();
  return new Uint8Array(Buffer.from(base64, "base64"));
}

function sshBlob(raw: Uint8Array): Buffer {
  return Buffer.concat([lengthOf(SSH_TYPE.length), Buffer.from(SSH_TYPE), lengthOf(raw.length), raw]);
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

function noKey(): Error {
  return new Error(`expected ${SSH_TYPE} and a key, or the base64 of a public key in PEM, of Ed25519`);
}
