/** Whether a request is signed by somebody who is known, for us, now, and for the first time. */
import type {
  RequestDescriptor,
  SignatureParameters,
  UntrustedSignatureCandidate,
  VerificationPolicy,
  VerifiedSignature,
  Verifier,
} from "http-message-sig";
import { type DigestCheck, digestCheck, emptyCheck } from "../../wire/signing/content_digest.ts";
import {
  ALGORITHM,
  COMPONENTS,
  DIGEST,
  LABEL,
  PARAMETERS,
  TAG,
} from "../../wire/signing/request_signature.ts";
import { type Denial, type Identity, isDenial } from "../authenticator.ts";
import type { AuthorizedKey } from "./authorized_keys.ts";
import type { Nonces } from "./nonces.ts";

export interface Judging {
  /** By its fingerprint; undefined for one that is not authorised. */
  readonly keyOf: (fingerprint: string) => AuthorizedKey | undefined;
  readonly nonces: Nonces;
  readonly skewS: number;
  /** What was signed then or before does not count; in seconds since 1970. */
  readonly sinceS: number;
}

/** A signature may count for so long; a nonce is remembered until then. */
export const MAX_LIFETIME_S = 60;
/** By how much a clock may be ahead of ours, where `skewS` is not less: so long a request is held up. */
const MAX_AHEAD_S = 5;
const MAX_NONCE_CHARS = 128;
/** What is longer covers more than we ask for. */
const MAX_INPUT_CHARS = 2_048;
const MAX_SIGNATURE_CHARS = 512;
/** Methods whose requests bring a body. */
const WITH_BODY = ["POST", "PUT", "PATCH"];
/** RFC 9421 signs no other characters. */
const ASCII = /^[\t\x20-\x7e]*$/;
const OURS = new RegExp(`(?:^|,)\\s*${LABEL}=`);

/** `url` is that which its sender has used. */
export async function judgeSignature(
  request: Request,
  url: string,
  judging: Judging,
): Promise<Identity | Denial> {
  if (isTooLarge(request.headers)) return { why: "too large" };
  const { SignatureError, verifySignature } = await import("http-message-sig");
  const claim = new Claim(judging);
  try {
    const verified = await verifySignature(messageOf(request, url), {
      ...labelIn(request.headers),
      policy: policyFor(request),
      resolveVerifier: (candidate) => claim.verifierOf(candidate),
    });
    const verdict = claim.proved(verified, request.headers);
    if (!isDenial(verdict)) await until(verified.parameters.created ?? 0);
    return verdict;
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    return claim.refuted(error.code);
  }
}

/**
 * Nobody is let in before the time at which the request says that it was signed, so that after a restart each that was used
 * before is one from before the start, also where the clock of its caller is ahead. Others need not wait for that.
 */
async function until(createdS: number): Promise<void> {
  for (let ms; (ms = createdS * 1000 - Date.now()) > 0;) {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

const WHY: Readonly<Record<string, Denial["why"]>> = {
  PolicyViolation: "incomplete",
  MissingField: "incomplete",
  VerificationFailed: "wrong",
};

/** One signature, from what it says of itself to what it comes to. */
class Claim {
  readonly #judging: Judging;
  #authorized: AuthorizedKey | undefined;
  #denial: Denial | undefined;

  constructor(judging: Judging) {
    this.#judging = judging;
  }

  /** Throws where there is no need to verify it. */
  verifierOf(candidate: UntrustedSignatureCandidate): Verifier {
    const found = beforehand(candidate, this.#judging);
    if ("why" in found) {
      this.#denial = found;
      throw new Error(found.why);
    }
    this.#authorized = found;
    const { key } = found;
    return { algorithm: ALGORITHM, verify: (data, signature) => key.verify(data, signature) };
  }

  proved({ parameters, components }: VerifiedSignature, headers: Headers): Identity | Denial {
    const signed = components.some(({ name }) => name === DIGEST);
    const body = signed ? digestCheck(headers.get(DIGEST) ?? "") : emptyCheck();
    if (!this.#authorized || !body) return { why: "malformed", ...credentialOf(this.#authorized) };
    return afterwards(this.#authorized, parameters, { judging: this.#judging, body });
  }

  refuted(code: string): Denial {
    return this.#denial ?? { why: WHY[code] ?? "malformed", ...credentialOf(this.#authorized) };
  }
}

function isTooLarge(headers: Headers): boolean {
  return (headers.get("signature-input")?.length ?? 0) > MAX_INPUT_CHARS ||
    (headers.get("signature")?.length ?? 0) > MAX_SIGNATURE_CHARS;
}

/** What nobody can have signed would spoil all of it, and is left out. */
function messageOf({ method, headers }: Request, targetUri: string): RequestDescriptor {
  const fields = [...headers].flatMap(([name, value]) => ASCII.test(value) ? [{ name, value }] : []);
  return { kind: "request", method, targetUri, fields };
}

/** Others on the way may have signed it, too. */
function labelIn(headers: Headers): { readonly label?: string } {
  return OURS.test(headers.get("signature-input") ?? "") ? { label: LABEL } : {};
}

function policyFor(request: Request): VerificationPolicy {
  return {
    algorithms: [ALGORITHM],
    requiredComponents: [...COMPONENTS, ...hasBody(request) ? [DIGEST] : []],
    requiredParameters: PARAMETERS,
    // What it says of time is judged by us, who tell apart what is wrong with it.
    clockSkew: Number.MAX_SAFE_INTEGER,
  };
}

/** What can be refused without a look at the signature itself. */
function beforehand(
  { parameters, components }: UntrustedSignatureCandidate,
  { keyOf, skewS }: Judging,
): AuthorizedKey | Denial {
  const { created = NaN, expires = NaN, nonce = "", keyid = "", tag } = parameters;
  const authorized = keyOf(keyid);
  if (!authorized) return { why: "unknown" };
  const named = credentialOf(authorized);
  if (tag !== TAG) return { why: "meant for something else", ...named };
  if (components.some(({ parameters }) => Object.keys(parameters).length > 0)) {
    return { why: "malformed", ...named };
  }
  if (nonce === "" || nonce.length > MAX_NONCE_CHARS) return { why: "malformed", ...named };
  if (!(expires > created) || expires - created > MAX_LIFETIME_S) return { why: "malformed", ...named };
  const now = Date.now() / 1000;
  if (created > now + Math.min(skewS, MAX_AHEAD_S)) return { why: "not valid yet", ...named };
  if (expires + skewS < now) return { why: "expired", ...named };
  return authorized;
}

interface Proved {
  readonly judging: Pick<Judging, "nonces" | "skewS" | "sinceS">;
  /** What is signed of the body; what is not signed must be empty. */
  readonly body: DigestCheck;
}

/** Of a signature that is right. */
function afterwards(
  { identity, key }: AuthorizedKey,
  { nonce = "", created = 0, expires = 0 }: SignatureParameters,
  { judging: { nonces, skewS, sinceS }, body }: Proved,
): Identity | Denial {
  const { credential = "" } = identity;
  // Within that second, too; a caller whose clock is behind may sign again until ours was started by that.
  if (created <= sinceS) return { why: "from before the start", busy: true, credential };
  const outcome = nonces.use(key.fingerprint, nonce, { end: expires + skewS, now: Date.now() / 1000 });
  if (outcome === "fresh") return { ...identity, body };
  if (outcome === "used") return { why: "replayed", credential };
  if (outcome === "over") return { why: "expired", credential };
  return { why: "one too many", busy: true, credential };
}

/** Over HTTP/2 a body need not be announced; one that is not signed has to be empty. */
function hasBody({ method, headers }: Request): boolean {
  const length = headers.get("content-length");
  if (headers.has("transfer-encoding")) return true;
  return length === null ? WITH_BODY.includes(method) : length !== "0";
}

function credentialOf(authorized: AuthorizedKey | undefined): { readonly credential?: string } {
  const credential = authorized?.identity.credential;
  return credential === undefined ? {} : { credential };
}
