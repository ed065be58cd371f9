/** Access tokens that an authorization server has signed (RFC 9068), as OAuth 2.1 and MCP have them. */
import type { Sink } from "../../core/events.ts";
import type { Authenticator, Denial, Identity } from "../authenticator.ts";
import { bearerChallenge } from "../challenge.ts";
import type { Credentials } from "../credentials.ts";
import { canonical } from "../protected_resource.ts";
import { fileKeys } from "./file_keys.ts";
import type { Jose, Keys } from "./keys.ts";
import type { JwtSettings } from "./options.ts";
import { Proofs } from "./proofs.ts";
import { RemoteKeys } from "./remote_keys.ts";
import { type Claims, verify } from "./verification.ts";
import { digestOf, VerifiedTokens } from "./verified_tokens.ts";

interface JwtOptions extends JwtSettings {
  readonly issuer: string;
  readonly emit: Sink;
}

/** A token that was verified. */
interface Known extends Pick<Claims, "audiences" | "expiresMs"> {
  readonly identity: Identity;
}

/** A header, claims and a signature, which is empty where nobody has signed. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Rejects with an Error that says what is wrong with the file of keys. */
export async function jwt(options: JwtOptions): Promise<Authenticator> {
  const jose = await import("jose");
  const { issuer, jwksFile, emit } = options;
  const onTrouble = (reason: string) =>
    emit(
      jwksFile === undefined
        ? { type: "auth.keys_trouble", issuer, reason }
        : { type: "auth.trouble", file: jwksFile, reason },
    );
  const judge = new Tokens({ ...options, jose, onTrouble, keys: keysOf(options, jose, onTrouble) });
  return {
    kind: "jwt",
    unguessable: true,
    challenge: (failure, demand) => bearerChallenge(failure && "invalid_token", demand),
    identify(credentials) {
      const token = credentials.of("bearer");
      if (token === undefined || !TOKEN.test(token)) return undefined;
      const known = judge.known(token);
      return known instanceof Promise
        ? known.then((known) => admitted(known, credentials, options))
        : admitted(known, credentials, options);
    },
  };
}

function keysOf(options: JwtOptions, jose: Jose, onTrouble: (reason: string) => void): Keys {
  const { jwksFile, jwksUrl: url } = options;
  if (jwksFile !== undefined) return fileKeys(jwksFile, { jose, onTrouble });
  return new RemoteKeys({ ...options, jose, url, onTrouble });
}

/** For whom a token is that was verified already depends on what is asked for. */
function admitted(
  known: Known | Denial,
  { resource }: Credentials,
  { audiences }: JwtOptions,
): Identity | Denial {
  if ("why" in known) return known;
  const isMeant = audiences.length > 0
    ? known.audiences.some((one) => audiences.includes(one))
    : known.audiences.some((one) => resource?.audiences.has(canonical(one)));
  return isMeant ? known.identity : { why: "for another audience" };
}

interface TokensOptions extends JwtOptions {
  readonly jose: Jose;
  readonly keys: Keys;
  readonly onTrouble: (reason: string) => void;
}

class Tokens {
  readonly #options: TokensOptions;
  readonly #verified: VerifiedTokens<Known>;
  readonly #proofs: Proofs;
  /** What many requests bring at once is verified once. */
  readonly #pending = new Map<string, Promise<Known | Denial>>();
  #keys: object;

  constructor(options: TokensOptions) {
    const { maxTokens, keys } = options;
    this.#options = options;
    this.#verified = new VerifiedTokens(maxTokens);
    this.#proofs = new Proofs(maxTokens);
    this.#keys = keys.current();
  }

  known(token: string): Known | Promise<Known | Denial> {
    const keys = this.#options.keys.current();
    // What a key has signed that is gone does not count any more.
    if (keys !== this.#keys) this.#verified.clear();
    this.#keys = keys;
    const digest = digestOf(token);
    return this.#verified.find(digest) ?? this.#pending.get(digest) ?? this.#begin(token, digest);
  }

  #begin(token: string, digest: string): Promise<Known | Denial> {
    const pending = this.#verify(token, digest).finally(() => this.#pending.delete(digest));
    this.#pending.set(digest, pending);
    return pending;
  }

  async #verify(token: string, digest: string): Promise<Known | Denial> {
    const { keys } = this.#options;
    const before = keys.current();
    const claims = await verify(token, { ...this.#options, key: keys.key });
    if ("why" in claims) return claims;
    const known = this.#knownBy(claims);
    // It may have been verified with a key that is gone by now.
    if (keys.current() === before) this.#verified.add(digest, known);
    return known;
  }

  #knownBy(claims: Claims): Known {
    const { subject, scopes, audiences, expiresMs } = claims;
    const principal = { name: `jwt/${subject}`, holds: this.#proofs.holds(claims) };
    return { identity: { principal, scopes }, audiences, expiresMs };
  }
}
