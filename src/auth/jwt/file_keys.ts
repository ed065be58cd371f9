/** Keys in a file, which counts as it stands. */
import type { JSONWebKeySet } from "jose";
import { isObject } from "../../core/message/jsonrpc.ts";
import { FreshFile } from "../../files/fresh_file.ts";
import { readGuardedFile } from "../../files/secret_file.ts";
import type { Jose, Keys } from "./keys.ts";

/** RFC 7518, section 6: what each kind of key has that is nobody's but its owner's. */
const SECRETS = ["d", "k", "p", "q", "dp", "dq", "qi"];

interface FileKeysOptions {
  readonly jose: Jose;
  readonly onTrouble: (reason: string) => void;
}

/** Throws an Error that says what is wrong with the file. */
export function fileKeys(path: string, { jose, onTrouble }: FileKeysOptions): Keys {
  const parse = (text: string | undefined) => jose.createLocalJWKSet(keySetIn(text));
  // Keys to verify with are no secret, but whoever writes them is let in.
  const file = new FreshFile(path, { parse, onTrouble, read: readGuardedFile });
  return { key: (header, token) => file.current(header, token), current: () => file.current };
}

function keySetIn(text: string | undefined): JSONWebKeySet {
  if (text === undefined) throw new Error("there is no such file");
  const keys = keysOf(text);
  if (keys.length === 0) throw new Error('expected a JWK set, which is {"keys": […]} with one key at least');
  if (keys.some((key) => SECRETS.some((name) => Object.hasOwn(key, name)))) {
    throw new Error("it has a private key or a secret; expected public keys alone");
  }
  return { keys: keys.map((key) => ({ ...key, kty: String(key.kty) })) };
}

function keysOf(text: string): Record<string, unknown>[] {
  try {
    const set: unknown = JSON.parse(text);
    return isObject(set) && Array.isArray(set.keys) && set.keys.every(isObject) ? set.keys : [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
}
