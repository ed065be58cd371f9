/** What a request brings to prove who sends it. */
import type { Caller } from "../core/caller.ts";
import type { Demand } from "./challenge.ts";
import type { ProtectedResource, ProtectedResources } from "./protected_resource.ts";

/** No key, token or signature is longer; what is would only have to be hashed. */
const MAX_CREDENTIAL_CHARS = 16_384;

export interface CredentialsOptions {
  /** Whether a key may stand in the query of the URL. */
  readonly apiKeyInQuery: boolean;
  /** The URL that a sender has used; undefined where that is none of ours. Without it signatures do not count. */
  readonly signedUrl?: ((request: Request, caller: Caller) => string | undefined) | undefined;
  /** Where it depends on what is asked for who is let in. */
  readonly resources?: (() => ProtectedResources | undefined) | undefined;
}

/** Reads what names somebody once it is asked for, and at most once: several kinds look at it, and each header costs a call. */
export class Credentials {
  readonly request: Request;
  readonly caller: Caller;
  readonly #options: CredentialsOptions;
  #authorizationRead: string | null | undefined;
  #apiKeyRead: string | null | undefined;

  constructor(request: Request, caller: Caller, options: CredentialsOptions) {
    this.request = request;
    this.caller = caller;
    this.#options = options;
  }

  get #wholeAuthorization(): string | null {
    if (this.#authorizationRead !== undefined) return this.#authorizationRead;
    return this.#authorizationRead = this.request.headers.get("authorization") ??
      tokenInProtocols(this.request);
  }

  get #apiKey(): string | null {
    if (this.#apiKeyRead !== undefined) return this.#apiKeyRead;
    return this.#apiKeyRead = this.request.headers.get("x-api-key") ??
      (this.#options.apiKeyInQuery ? keyInQuery(this.request.url) : null);
  }

  /** Whether the request is signed (RFC 9421), rightly or wrongly. */
  get isSigned(): boolean {
    const { headers } = this.request;
    return this.#options.signedUrl !== undefined &&
      (headers.has("signature-input") || headers.has("signature"));
  }

  /** The URL that a signature has to be about; undefined where the sender means another server. */
  get signedUrl(): string | undefined {
    return this.#options.signedUrl?.(this.request, this.caller);
  }

  /** What is asked for, where that makes a difference. */
  get resource(): ProtectedResource | undefined {
    return this.#options.resources?.()?.at(this.request);
  }

  /** What it takes to be let in. */
  get demand(): Demand {
    const metadataUrl = this.#options.resources?.()?.metadataUrl(this.request, this.caller);
    return { scopes: this.resource?.scopes ?? [], metadataUrl };
  }

  /** The whole field `Authorization`, or what stands for it; undefined for one that is too long. */
  get authorization(): string | undefined {
    const text = this.#wholeAuthorization;
    return text === null || isTooLong(text) ? undefined : text;
  }

  /**
   * What follows this scheme, one space or more behind it (RFC 9110, section 11.4); undefined where another one is named, or
   * none, or too much.
   */
  of(scheme: "bearer" | "basic"): string | undefined {
    const text = this.authorization;
    const end = text?.indexOf(" ") ?? -1;
    if (text === undefined || end < 0 || text.slice(0, end).toLowerCase() !== scheme) return undefined;
    let begin = end + 1;
    while (text[begin] === " ") begin++;
    const value = text.slice(begin);
    return value !== "" && value.trim() === value ? value : undefined;
  }

  /** Of `X-API-Key`, or of the query where that is allowed; undefined for one that is too long. */
  get apiKey(): string | undefined {
    const key = this.#apiKey;
    return key === null || isTooLong(key) ? undefined : key;
  }

  /** Whether there is anything at all. */
  get any(): boolean {
    return this.#wholeAuthorization !== null || this.#apiKey !== null || this.isSigned;
  }

  /** Whether nothing is left but what is longer than any can be. */
  get tooLarge(): boolean {
    const authorization = this.#wholeAuthorization;
    if (authorization !== null && !isTooLong(authorization)) return false;
    return isTooLong(this.#apiKey ?? authorization ?? "") && !this.isSigned;
  }

  /** Whether something is. */
  get partTooLarge(): boolean {
    return [this.#wholeAuthorization, this.#apiKey].some((text) => text !== null && isTooLong(text));
  }
}

function isTooLong({ length }: string): boolean {
  return length > MAX_CREDENTIAL_CHARS;
}

/** What a browser can send with the handshake of a WebSocket: a protocol `bearer.<token>` beside the one that it speaks. */
const PROTOCOL = /(?:^|,)[ \t]*bearer\.([^,]*)/;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

function tokenInProtocols({ method, headers }: Request): string | null {
  const protocols = method === "GET" ? headers.get("sec-websocket-protocol") : null;
  const token = protocols ? PROTOCOL.exec(protocols)?.[1]?.trim() : undefined;
  if (token === undefined) return null;
  // What can be no protocol can be no token, and yet who brings it does not come with nothing.
  return TOKEN.test(token) ? `Bearer ${token}` : "Bearer";
}

function keyInQuery(url: string): string | null {
  return url.includes("api_key=") ? URL.parse(url)?.searchParams.get("api_key") ?? null : null;
}
