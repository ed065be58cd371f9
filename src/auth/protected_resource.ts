/** What may be asked for, as OAuth sees it: which tokens are meant for it, what it needs, and what is told of it (RFC 9728). */
import type { Caller } from "../core/caller.ts";
import type { Sink } from "../core/events.ts";

export interface ProtectedResource {
  /** The URLs that the audience of a token for it may be, where its URL is configured. */
  readonly audiences: ReadonlySet<string>;
  /** What each call of it needs. */
  readonly scopes: readonly string[];
  /** Is told of who is refused there. */
  readonly emit: Sink;
}

export interface ProtectedResources {
  /** What a request is for. */
  at(request: Request): ProtectedResource;
  readonly metadataUrl: MetadataUrl;
}

/** The URL of the metadata of what is asked for; undefined where no kind of authentication has any. */
export type MetadataUrl = (request: Request, caller: Caller) => string | undefined;

/** RFC 9728, section 3: what follows it is the path of the resource. */
export const METADATA_PATH = "/.well-known/oauth-protected-resource";

interface Described {
  readonly resource: string;
  readonly issuer: string;
  readonly scopes: readonly string[];
}

/** Pages may read it, since it is for anybody. */
export function metadataAnswer({ resource, issuer, scopes }: Described): Response {
  const metadata = {
    resource,
    authorization_servers: [issuer],
    ...scopes.length > 0 && { scopes_supported: scopes },
    bearer_methods_supported: ["header"],
  };
  return Response.json(metadata, { headers: { "Access-Control-Allow-Origin": "*" } });
}

/** As two that mean the same are spelled alike. */
export function canonical(url: string): string {
  return (URL.parse(url)?.href ?? url).replace(/\/+$/, "");
}
