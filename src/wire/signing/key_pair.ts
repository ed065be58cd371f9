/** Key pairs of Ed25519: made, and read from PKCS#8 in PEM or from a private key of OpenSSH. */
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { parseOpensshKey } from "./openssh_key.ts";
import { type PublicKey, publicKeyOf } from "./public_key.ts";

/** What stands before the 32 bytes of the private key in its form as DER (RFC 8410, section 7). */
const PKCS8_PREFIX = Uint8Array.fromHex("302e020100300506032b657004220420");
const KEY_BYTES = 32;

export interface KeyPair {
  readonly publicKey: PublicKey;
  sign(data: Uint8Array): Uint8Array;
}

/** A new one, and its private key as PKCS#8 in PEM. */
export function makeKeyPair(): { readonly pair: KeyPair; readonly pem: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  return { pair: pairOf(privateKey), pem: String(privateKey.export({ type: "pkcs8", format: "pem" })) };
}

/** Throws an Error that says what is wrong, and shows nothing of the key. */
export function parseKeyPair(text: string): KeyPair {
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(text)) {
    throw encrypted('"openssl pkey -in FILE -out FILE.pem" decrypts it');
  }
  if (text.includes("-----BEGIN OPENSSH PRIVATE KEY-----")) return ofOpenssh(text);
  if (/^-----BEGIN PRIVATE KEY-----/m.test(text)) return ofPem(text);
  const what = /^ssh-|-----BEGIN PUBLIC KEY-----/m.test(text) ? "this is a public key; " : "";
  throw new Error(
    `${what}expected a private key of Ed25519, as keystone keypair generate or ssh-keygen -t ed25519 makes it`,
  );
}

function ofPem(text: string): KeyPair {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, format: "pem" });
  } catch {
    throw new Error("the private key is broken");
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw new Error(`expected a private key of Ed25519, and this is one of ${key.asymmetricKeyType}`);
  }
  return pairOf(key);
}

function ofOpenssh(text: string): KeyPair {
  const parsed = parseOpensshKey(text);
  if (parsed === "encrypted") throw encrypted("\"ssh-keygen -p -N '' -f FILE\" decrypts a copy of it");
  const { seed, raw } = parsed;
  if (seed.length !== KEY_BYTES) throw new Error("the private key is broken");
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const pair = pairOf(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  if (pair.publicKey.line !== publicKeyOf(raw).line) throw new Error("the private key is broken");
  return pair;
}

function pairOf(key: KeyObject): KeyPair {
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  return {
    publicKey: publicKeyOf(new Uint8Array(der.subarray(-KEY_BYTES))),
    sign: (data) => new Uint8Array(sign(null, data, key)),
  };
}

function encrypted(wayOut: string): Error {
  return new Error(`the key is encrypted, and nobody is asked for its password; ${wayOut}`);
}
