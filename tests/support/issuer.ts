/** An authorization server on loopback as far as Keystone sees one: metadata, keys, and tokens that it has signed. */
import * as jose from "jose";
import { type Loopback, loopback } from "./loopback.ts";

/** What its tokens are for, where a test says nothing else. */
export const AUDIENCE = "https://mcp.example.com";
const LIFETIME_S = 3_600;

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: jose.JWK;
}

export async function signingKey(kid: string, alg = "ES256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true });
  const jwk = { ...await jose.exportJWK(publicKey), kid, alg, use: "sig" };
  return { kid, alg, privateKey, publicKey, jwk };
}

interface TokenOptions {
  readonly key?: SigningKey;
  /** In place of those that every token has; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

export class Issuer implements AsyncDisposable {
  /** What answers for it now; a test may put in others. */
  keys: SigningKey[];
  /** What it answers in place of all. */
  down: Response | undefined;
  /** What its metadata have as its name, where that is another one. */
  calledIn: string | undefined;
  readonly #server: Loopback;

  private constructor(key: SigningKey) {
    this.keys = [key];
    this.#server = loopback(({ path }) => this.#answer(path));
  }

  static async start(key?: SigningKey): Promise<Issuer> {
    return new Issuer(key ?? await signingKey("one"));
  }

  get url(): string {
    return this.#server.url.origin;
  }

  get jwksUrl(): string {
    return `${this.url}/keys`;
  }

  /** How often its keys were asked for. */
  get fetches(): number {
    return this.#server.asked.filter(({ path }) => path === "/keys").length;
  }

  async token({ key = this.keys[0]!, claims = {}, header = {} }: TokenOptions = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const usual = { iss: this.url, sub: "ann", aud: AUDIENCE, iat: now, exp: now + LIFETIME_S };
    return await new jose.SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: "at+jwt", ...header })
      .sign(key.privateKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #answer(path: string): Response {
    if (this.down) return this.down.clone();
    if (path === "/keys") return Response.json({ keys: this.keys.map(({ jwk }) => jwk) });
    if (path !== "/.well-known/oauth-authorization-server") return new Response(null, { status: 404 });
    return Response.json({ issuer: this.calledIn ?? this.url, jwks_uri: this.jwksUrl });
  }
}

export function bearing(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}
