/** What `WWW-Authenticate` says of bearer tokens (RFC 6750, section 3; RFC 9728, section 5.1). */
import { RequestError } from "../core/errors.ts";

/** What it takes to call what was asked for. */
export interface Demand {
  readonly scopes: readonly string[];
  /** The URL of what tells clients where they get a token. */
  readonly metadataUrl?: string | undefined;
}

type BearerError = "invalid_token" | "insufficient_scope";

/** For all kinds whose credentials are bearer tokens, so that it stands once where several of them are accepted. */
export function bearerChallenge(error: BearerError | undefined, demand?: Demand): string {
  const params = {
    realm: "keystone",
    error,
    scope: demand && demand.scopes.length > 0 ? demand.scopes.join(" ") : undefined,
    resource_metadata: demand?.metadataUrl,
  };
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  return `Bearer ${given.map(([name, value]) => `${name}="${value}"`).join(", ")}`;
}

/** Of several that say the same, the one that says most. */
export function joinedChallenges(challenges: readonly string[]): string {
  const distinct = [...new Set(challenges)];
  const isPart = (one: string) => distinct.some((other) => other.startsWith(`${one}, `));
  return distinct.filter((one) => !isPart(one)).join(", ");
}

/** As the audit log calls that. */
export const TOO_LITTLE = "insufficient scope";

/** For who is known, but was not granted all that is needed. */
export function insufficientScope(demand: Demand, what: string): RequestError {
  const scope = demand.scopes.join(" ");
  return new RequestError(`Forbidden: ${what} needs the scopes ${scope}`, {
    status: 403,
    headers: { "WWW-Authenticate": bearerChallenge("insufficient_scope", demand) },
    data: { auth: { error: "insufficient_scope", scope } },
    isTold: true,
  });
}
