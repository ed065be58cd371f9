/** An API key as its holder has it: which one it is, and the secret that proves it. */
import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Tells our keys from tokens of others, for us and for scanners of leaked secrets. */
const PREFIX = "ks";
const ID_BYTES = 6;
const SECRET_BYTES = 32;

/** Of a whole key: its prefix, its id in hex, its secret in base64url. */
export const KEY_CHARS = PREFIX.length + 1 + 2 * ID_BYTES + 1 + Math.ceil(SECRET_BYTES * 8 / 6);

const FORM = /^ks_([0-9a-f]{12})_([\w-]{43})$/;

interface KeyParts {
  /** Names it, and is no secret. */
  readonly id: string;
  readonly secret: string;
}

export interface NewKey extends KeyParts {
  /** What its holder sends. */
  readonly text: string;
}

export function makeKey(): NewKey {
  const id = randomBytes(ID_BYTES).toString("hex");
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  return { id, secret, text: `${PREFIX}_${id}_${secret}` };
}

/** Undefined for what is no key of ours. */
export function parseKey(text: string): KeyParts | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** Whether it is meant to be one of ours, whatever is wrong with it. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(`${PREFIX}_`);
}

/** SHA-256 in hex: of 256 random bits nothing slower is needed. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** In a time that does not depend on where they differ. */
export function isSameDigest(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
