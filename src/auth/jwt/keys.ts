/** The keys that an issuer signs with: as they are now, and asked for again where a token names one that is not known. */
import type { JWTVerifyGetKey } from "jose";

export interface Keys {
  /** Throws UnreachableError where it cannot be told for now which keys there are. */
  readonly key: JWTVerifyGetKey;
  /** Stands for the keys of now: another object once they have changed, and with them what counts. */
  current(): object;
}

/** Loaded where there are tokens to verify. */
export type Jose = typeof import("jose");
