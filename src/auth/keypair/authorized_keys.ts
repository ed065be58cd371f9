/** Whose signatures count: a line for each public key, as in OpenSSH's authorized_keys, with a name and scopes. */
import { messageOf } from "../../core/errors.ts";
import { parseKeyLine, type PublicKey } from "../../wire/signing/public_key.ts";
import { type Identity, SCOPE } from "../authenticator.ts";

export interface AuthorizedKey {
  readonly key: PublicKey;
  readonly identity: Identity;
}

/** By fingerprint. */
export type AuthorizedKeys = ReadonlyMap<string, AuthorizedKey>;

/** Names are told in logs; comments that ssh-keygen writes are among them. */
export const KEYPAIR_NAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;

/** Whether the same key still counts, and for all that it did. */
type Holds = (fingerprint: string, scopes: readonly string[]) => boolean;

/** Throws an Error that names the line and what is wrong with it. */
export function parseAuthorizedKeys(
  text: string,
  holds: Holds,
): AuthorizedKeys {
  const keys = new Map<string, AuthorizedKey>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.trim().startsWith("#")) continue;
    const authorized = naming(index + 1, () => authorizedIn(line, holds));
    const { fingerprint } = authorized.key;
    if (keys.has(fingerprint)) throw new Error(`line ${index + 1}: the key stands in a line before`);
    keys.set(fingerprint, authorized);
  }
  return keys;
}

function authorizedIn(line: string, holds: Holds): AuthorizedKey {
  const { key, words: [name = "", ...scopes] } = parseKeyLine(line);
  if (!KEYPAIR_NAME.test(name)) {
    throw new Error("expected a name behind the key: letters, digits, and any of - _ . @, 64 at most");
  }
  if (scopes.some((scope) => !SCOPE.test(scope))) {
    throw new Error("expected nothing but scopes behind the name");
  }
  const principal = { name: `keypair/${name}`, holds: () => holds(key.fingerprint, scopes) };
  return { key, identity: { principal, scopes, credential: name } };
}

function naming<T>(line: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`line ${line}: ${messageOf(error)}`, { cause: error });
  }
}
