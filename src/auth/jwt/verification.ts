/** Whether a token is what its issuer has signed, and counts now (RFC 7519, RFC 9068). */
import type { JWTPayload } from "jose";
import { messageOf } from "../../core/errors.ts";
import { type Denial, SCOPE } from "../authenticator.ts";
import { UnreachableError } from "./issuer_fetch.ts";
import type { Jose, Keys } from "./keys.ts";

interface VerificationOptions {
  readonly jose: Jose;
  readonly key: Keys["key"];
  readonly issuer: string;
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
  /** Hears of what is wrong with none but ourselves or the keys. */
  readonly onTrouble: (reason: string) => void;
}

/** What a token says of itself. */
export interface Claims {
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly audiences: readonly string[];
  /** In milliseconds since 1970, with what clocks may differ by. */
  readonly expiresMs: number;
}

/** OpenID Connect Core, section 2, has no longer one; what is not to be seen would be no name in a log. */
const SUBJECT = /^[^\p{C}]{1,255}$/u;

/** Throws nothing. */
export async function verify(token: string, options: VerificationOptions): Promise<Claims | Denial> {
  const { jose, key, issuer, algorithms, clockSkewMs } = options;
  try {
    const { payload } = await jose.jwtVerify(token, key, {
      issuer,
      algorithms: [...algorithms, ...algorithms.includes("EdDSA") ? ["Ed25519"] : []],
      clockTolerance: clockSkewMs / 1000,
      requiredClaims: ["sub", "aud", "exp"],
    });
    return claimsIn(payload, clockSkewMs);
  } catch (error) {
    const why = reasonOf(error, options);
    return why === "not verifiable" ? { why, busy: true } : { why };
  }
}

/** What each of them is for is decided with each request. */
function claimsIn(payload: JWTPayload, clockSkewMs: number): Claims | Denial {
  const { sub, aud, exp = 0 } = payload;
  if (typeof sub !== "string" || !SUBJECT.test(sub)) return { why: "incomplete" };
  const audiences = [aud].flat().filter((one) => typeof one === "string");
  return { subject: sub, scopes: scopesIn(payload), audiences, expiresMs: exp * 1000 + clockSkewMs };
}

/** RFC 8693, section 4.2; some issuers have `scp` for it, as a list or as a text. */
function scopesIn({ scope, scp }: JWTPayload): string[] {
  const given = [scope ?? scp].flat().filter((one) => typeof one === "string");
  return [...new Set(given.flatMap((text) => text.split(" ")))].filter((one) => SCOPE.test(one));
}

function reasonOf(error: unknown, { jose: { errors }, onTrouble }: VerificationOptions): Denial["why"] {
  if (error instanceof UnreachableError) return "not verifiable";
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) return wrongClaim(error);
  if (error instanceof errors.JOSEAlgNotAllowed) return "signed in a way that is not accepted";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "wrong";
  if (error instanceof errors.JWKSNoMatchingKey) return "signed by an unknown key";
  // It names none, and several could be meant.
  if (error instanceof errors.JWKSMultipleMatchingKeys) return "signed by an unknown key";
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return "malformed";
  if (error instanceof errors.JOSENotSupported) return "malformed";
  onTrouble(`a token cannot be verified: ${messageOf(error)}`);
  return "not verifiable";
}

function wrongClaim({ claim, reason }: { readonly claim: string; readonly reason: string }): Denial["why"] {
  if (reason === "missing") return "incomplete";
  if (claim === "iss") return "of another issuer";
  return claim === "nbf" ? "not valid yet" : "malformed";
}
