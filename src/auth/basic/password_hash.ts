/** What is kept of a password: scrypt (RFC 7914), which makes each guess cost time and memory. */
import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** 32 MiB and some 0.3 s a guess, as OWASP's "Password Storage Cheat Sheet" has it for this much memory. */
const PARAMETERS: Parameters = { logCost: 15, blockSize: 8, parallel: 3 };
/** A file is not to have one guess take all memory, or next to nothing. */
const BOUNDS = { logCost: [14, 20], blockSize: [8, 32], parallel: [1, 16] } as const;
const [SALT_BYTES, KEY_BYTES] = [16, 32];

const FORM = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([\w-]{22})\$([\w-]{43})$/;

interface Parameters {
  /** Of two: the number of rounds. */
  readonly logCost: number;
  readonly blockSize: number;
  readonly parallel: number;
}

interface Hash extends Parameters {
  readonly salt: Uint8Array;
  readonly key: Uint8Array;
}

export function isHash(text: string): boolean {
  return parseHash(text) !== undefined;
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, PARAMETERS);
  const { logCost, blockSize, parallel } = PARAMETERS;
  return ["scrypt", logCost, blockSize, parallel, salt.toString("base64url"), key.toString("base64url")].join(
    "$",
  );
}

/** Takes as long for a wrong password as for the right one. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const parsed = parseHash(hash);
  if (!parsed) return false;
  return timingSafeEqual(await derive(password, parsed.salt, parsed), parsed.key);
}

function parseHash(text: string): Hash | undefined {
  const [, logCost, blockSize, parallel, salt = "", key = ""] = FORM.exec(text) ?? [];
  const parameters = { logCost: Number(logCost), blockSize: Number(blockSize), parallel: Number(parallel) };
  if (!isWithin(parameters)) return undefined;
  return { ...parameters, salt: Buffer.from(salt, "base64url"), key: Buffer.from(key, "base64url") };
}

function isWithin(parameters: Parameters): boolean {
  return Object.entries(BOUNDS).every(([name, [least, most]]) => {
    const value = parameters[name as keyof Parameters];
    return value >= least && value <= most;
  });
}

/** On a thread of the runtime: the event loop goes on. */
function derive(
  password: string,
  salt: Uint8Array,
  { logCost, blockSize, parallel }: Parameters,
): Promise<Buffer> {
  const cost = 2 ** logCost;
  // What it needs is 128 bytes for each round and block; the runtime's own limit is less.
  const options = { N: cost, r: blockSize, p: parallel, maxmem: 256 * cost * blockSize };
  return new Promise((resolve, reject) =>
    // One letter that can be written in two ways is one letter (RFC 8265, section 4).
    scrypt(password.normalize("NFC"), salt, KEY_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key))
  );
}
