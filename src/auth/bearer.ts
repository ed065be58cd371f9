/** Static bearer tokens (RFC 6750), from a file or from the environment. */
import { createHash } from "node:crypto";
import type { Sink } from "../core/events.ts";
import { FreshFile } from "../files/fresh_file.ts";
import { type Authenticator, type Identity, SCOPE } from "./authenticator.ts";
import { bearerChallenge } from "./challenge.ts";
import { statesByName, tellKeyChanges } from "./key_changes.ts";
import { Verified } from "./verified.ts";
import { BEARER_TOKEN } from "./options.ts";

interface BearerOptions {
  /** That of an option. */
  readonly token?: string | undefined;
  readonly path?: string | undefined;
  readonly emit: Sink;
}

/** By the digest of the token: how long it takes to find one tells nothing of the tokens that there are. */
type Tokens = ReadonlyMap<string, Identity>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;

/** Throws an Error that says what is wrong with the file, without any token. */
export function bearerTokens({ token, path, emit }: BearerOptions): Authenticator {
  const alone: Tokens = new Map(token === undefined ? [] : [[digestOf(token), identityOf("token", [])]]);
  const file = path === undefined ? undefined : new FreshFile<Tokens>(path, {
    parse: (text = "") => new Map([...alone, ...parseTokens(text, holds)]),
    required: true,
    onTrouble: (reason) => emit({ type: "auth.trouble", file: path, reason }),
    onChange: (before, now) =>
      tellKeyChanges(emit, { kind: "bearer", before: statesByName(before), now: statesByName(now) }),
  });
  function holds(digest: string, scopes: readonly string[]): boolean {
    const now = file?.current.get(digest);
    return now !== undefined && scopes.every((scope) => now.scopes.includes(scope));
  }
  const verified = new Verified<Tokens, Identity>();
  function find(tokens: Tokens, token: string): Identity | undefined {
    const known = verified.get(tokens, token);
    if (known) return known;
    const found = tokens.get(digestOf(token));
    if (found) verified.add(tokens, token, found);
    return found;
  }
  return {
    kind: "bearer",
    count: () => (file?.current ?? alone).size,
    challenge: (failure) => bearerChallenge(failure && "invalid_token"),
    identify(credentials) {
      const given = credentials.of("bearer");
      return given === undefined ? undefined : find(file?.current ?? alone, given);
    },
  };
}

/** Whether the same token still counts, and for all that it did. */
type Holds = (digest: string, scopes: readonly string[]) => boolean;

function parseTokens(text: string, holds: Holds): [string, Identity][] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const [name = "", token = "", ...scopes] = line.trim().split(/[\s,]+/);
    if (!NAME.test(name)) throw new Error(`line ${index + 1}: expected a name, then its token`);
    if (!BEARER_TOKEN.test(token)) {
      throw new Error(`line ${index + 1}: expected a token of 16 characters at least behind the name`);
    }
    const wrong = scopes.some((scope) => !SCOPE.test(scope));
    if (wrong) throw new Error(`line ${index + 1}: expected nothing but scopes behind the token`);
    const digest = digestOf(token);
    return [[digest, identityOf(name, scopes, () => holds(digest, scopes))]];
  });
}

function identityOf(name: string, scopes: readonly string[], holds?: () => boolean): Identity {
  return { principal: { name: `bearer/${name}`, ...holds && { holds } }, scopes, credential: name };
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
