/** Key pairs: each request is signed by a private key that nobody but its caller has (RFC 9421). */
import type { Sink } from "../../core/events.ts";
import { FreshFile } from "../../files/fresh_file.ts";
import { readGuardedFile } from "../../files/secret_file.ts";
import type { Authenticator, Denial, Verdict } from "../authenticator.ts";
import { type KeyStates, statesByName, tellKeyChanges } from "../key_changes.ts";
import type { Credentials } from "../credentials.ts";
import { type AuthorizedKeys, parseAuthorizedKeys } from "./authorized_keys.ts";
import { Nonces } from "./nonces.ts";
import { judgeSignature, type Judging, MAX_LIFETIME_S } from "./signature.ts";

interface KeypairOptions {
  /** The file with the public keys. */
  readonly path: string;
  /** By how much the clocks of callers may differ from ours. */
  readonly skewMs: number;
  readonly maxNonces: number;
  readonly emit: Sink;
}

/** Throws an Error that says what is wrong with the file. */
export function keypairs({ path, skewMs, maxNonces, emit }: KeypairOptions): Authenticator {
  const file = new FreshFile<AuthorizedKeys>(path, {
    parse: (text = "") => parseAuthorizedKeys(text, holds),
    required: true,
    onTrouble: (reason) => emit({ type: "auth.trouble", file: path, reason }),
    onChange: (before, now) =>
      tellKeyChanges(emit, { kind: "keypair", before: statesOf(before), now: statesOf(now) }),
    read: readGuardedFile,
  });
  function holds(fingerprint: string, scopes: readonly string[]): boolean {
    const now = file.current.get(fingerprint)?.identity;
    return now !== undefined && scopes.every((scope) => now.scopes.includes(scope));
  }
  const skewS = Math.ceil(skewMs / 1000);
  const judging: Judging = {
    keyOf: (fingerprint) => file.current.get(fingerprint),
    nonces: new Nonces({ max: maxNonces, windowS: MAX_LIFETIME_S + 2 * skewS }),
    skewS,
    // Which ones were used before is not known any more.
    sinceS: Math.floor(Date.now() / 1000),
  };
  return {
    kind: "keypair",
    unguessable: true,
    count: () => file.current.size,
    challenge,
    identify: (credentials) => credentials.isSigned ? verdictOn(credentials, judging) : undefined,
  };
}

/** There is no scheme of that name in any registry: what is wanted is said as RFC 9421 (section 5.1) has it elsewhere. */
function challenge(failure: Denial | undefined): string {
  return `Signature realm="keystone", tag="mcp"${failure ? ', error="invalid_signature"' : ""}`;
}

function verdictOn({ request, signedUrl }: Credentials, judging: Judging): Verdict | Promise<Verdict> {
  return signedUrl === undefined
    ? { why: "meant for another host" }
    : judgeSignature(request, signedUrl, judging);
}

function statesOf(keys: AuthorizedKeys): KeyStates {
  return statesByName([...keys].map(([fingerprint, { identity }]) => [fingerprint, identity]));
}
