/** What each way to prove who one is has in common: a file of its own for each kind stands beside this one. */
import type { Principal } from "../core/backend.ts";
import type { DigestCheck } from "../wire/signing/content_digest.ts";
import type { Demand } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";

/** As `--auth` names them. */
export const AUTH_KINDS = ["apiKey", "bearer", "basic", "keypair", "jwt"] as const;
export type AuthKind = typeof AUTH_KINDS[number];

/** Who a caller is. */
export interface Identity {
  readonly principal: Principal;
  /** What was granted (RFC 6749, section 3.3). */
  readonly scopes: readonly string[];
  /** Names the credential in logs, and is no secret. */
  readonly credential?: string;
  /** What the body has to be, where the proof is about that as well. */
  readonly body?: DigestCheck;
}

/** Why a credential does not count; for the log, since callers are told no more than that it does not. */
export interface Denial {
  readonly why:
    | "unknown"
    | "wrong"
    | "expired"
    | "revoked"
    | "malformed"
    | "too large"
    | "not valid yet"
    | "replayed"
    | "incomplete"
    | "meant for something else"
    | "meant for another host"
    | "that of another body"
    | "from before the start"
    | "one too many"
    | "of another issuer"
    | "for another audience"
    | "signed in a way that is not accepted"
    | "signed by an unknown key"
    | "not verifiable";
  /** Which one it would be. */
  readonly credential?: string;
  /** There is nothing wrong with it, but it cannot be told at the moment whether it counts, or was used before. */
  readonly busy?: boolean;
}

/** Undefined for who brings nothing of this kind. */
export type Verdict = Identity | Denial | undefined;

export interface Authenticator {
  readonly kind: AuthKind;
  /**
   * Whether its credentials are beyond guessing and cheap to judge, so that who has one is let in also from where others
   * have failed too often. False by default: what people choose can be guessed.
   */
  readonly unguessable?: true;
  /** How many credentials count now, where that is known. */
  readonly count?: () => number;
  /** What `WWW-Authenticate` tells of it (RFC 9110, section 11.6.1), to who brought nothing or what did not count. */
  challenge(failure: Denial | undefined, demand: Demand): string;
  /** Throws nothing. A promise only where it has to wait: it costs every request. */
  identify(credentials: Credentials): Verdict | Promise<Verdict>;
}

export function isDenial(verdict: Identity | Denial): verdict is Denial {
  return "why" in verdict;
}

/** Scopes as they are written in one text. */
export const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;
