/** Keys that are fetched: at the first token, then now and then, and where a token names one that is not known. */
import type { createRemoteJWKSet, ExportedJWKSCache } from "jose";
import { messageOf } from "../../core/errors.ts";
import { discoverKeys } from "./discovery.ts";
import { type FetchLimits, fetchText, UnreachableError } from "./issuer_fetch.ts";
import type { Jose, Keys } from "./keys.ts";

/** Who comes so soon after a failure hears of it: an issuer that is down is not to be asked for each token. */
const PAUSE_MS = 2_000;

interface RemoteKeysOptions extends FetchLimits {
  readonly jose: Jose;
  readonly issuer: string;
  /** By default the issuer says where they are. */
  readonly url?: string | undefined;
  /** After how long they are fetched anew. */
  readonly keysAgeMs: number;
  /** How long after that a key that is not known does not make them be fetched. */
  readonly refetchPauseMs: number;
  /** Hears of each failure. */
  readonly onTrouble: (reason: string) => void;
}

type KeySet = ReturnType<typeof createRemoteJWKSet>;

export class RemoteKeys implements Keys {
  readonly #options: RemoteKeysOptions;
  /** What jose has fetched last. */
  readonly #fetched: Partial<ExportedJWKSCache> = {};
  #set: Promise<KeySet> | undefined;
  /** Once that is there. */
  #known: KeySet | undefined;
  #failure: UnreachableError | undefined;
  #failedAt = 0;
  #askedAt = performance.now();
  #version: object = {};
  #seen: unknown;
  #text: string | undefined;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  readonly key: Keys["key"] = async (header, token) => await (await this.#opened())(header, token);

  /** What is known goes on to count while what is old is fetched, and while that fails. */
  current(): object {
    const { keysAgeMs } = this.#options;
    if (this.#known && performance.now() - this.#askedAt > keysAgeMs) {
      this.#askedAt = performance.now();
      // Whoever is told of failures has been told.
      this.#known.reload().catch(() => {});
    }
    if (this.#fetched.jwks !== this.#seen) this.#see(this.#fetched.jwks);
    return this.#version;
  }

  #see(jwks: unknown): void {
    this.#seen = jwks;
    const text = JSON.stringify(jwks);
    if (this.#text !== undefined && this.#text !== text) this.#version = {};
    this.#text = text;
  }

  #opened(): Promise<KeySet> {
    return this.#set ??= this.#open().catch((error) => {
      this.#set = undefined;
      throw error;
    });
  }

  async #open(): Promise<KeySet> {
    const { jose, issuer, refetchPauseMs, fetchTimeoutMs } = this.#options;
    const url = this.#options.url ?? await this.#asked(() => discoverKeys(issuer, this.#options));
    const set = jose.createRemoteJWKSet(new URL(url), {
      [jose.customFetch]: async () => new Response(await this.#asked(() => this.#keysAt(url))),
      [jose.jwksCache]: this.#fetched as ExportedJWKSCache,
      cooldownDuration: refetchPauseMs,
      timeoutDuration: fetchTimeoutMs,
      // We fetch them anew while the old ones count.
      cacheMaxAge: Infinity,
    });
    return this.#known = set;
  }

  async #keysAt(url: string): Promise<string> {
    const { jose } = this.#options;
    const text = await fetchText(url, this.#options);
    try {
      jose.createLocalJWKSet(JSON.parse(text));
      return text;
    } catch (cause) {
      throw new UnreachableError(`${url} is answered with no JWK set`, { cause });
    }
  }

  async #asked(ask: () => Promise<string>): Promise<string> {
    if (this.#failure && performance.now() - this.#failedAt < PAUSE_MS) throw this.#failure;
    this.#askedAt = performance.now();
    try {
      const answer = await ask();
      this.#failure = undefined;
      return answer;
    } catch (error) {
      this.#failedAt = performance.now();
      this.#options.onTrouble(messageOf(error));
      throw this.#failure = asFailure(error);
    }
  }
}

function asFailure(error: unknown): UnreachableError {
  return error instanceof UnreachableError ? error : new UnreachableError(messageOf(error), { cause: error });
}
