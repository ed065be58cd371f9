/**
 * The `requestState` of a call that waits for its client: which one it is, sealed, since it comes back through hands that
 * may be anybody's (2026-07-28, page on multi round-trip requests, "Server Requirements").
 */
import process from "node:process";
import { RequestError, RpcCode } from "../../core/errors.ts";
import type { JsonRpcRequest } from "../../core/message/jsonrpc.ts";

/** What a state counts for, and for nothing else. */
interface Bound {
  /** Name of the principal who was asked; undefined for nobody in particular. */
  readonly principal: string | undefined;
  /** Of the request that was answered with a question. */
  readonly digest: string;
}

interface RequestStatesOptions {
  /** For how long what is sealed counts. */
  readonly ttlMs: number;
  /** `Date.now` by default. */
  readonly now?: () => number;
}

interface Key {
  readonly id: string;
  readonly key: Promise<CryptoKey>;
  readonly madeAt: number;
}

const BASE64 = { alphabet: "base64url", omitPadding: true } as const;
const IV_BYTES = 12;
/** Longer than any that is made here: a key's id, the vector, the handle with its time, and the tag. */
const MAX_CHARS = 1_024;

export class RequestStates {
  readonly #ttlMs: number;
  readonly #now: () => number;
  /** The newest first; one that is older than two lives opens nothing that counts. */
  #keys: readonly Key[] = [];

  constructor({ ttlMs, now = Date.now }: RequestStatesOptions) {
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  /** Seals what a call is known by here. */
  async seal(handle: string, bound: Bound): Promise<string> {
    const { id, key } = this.#newestKey();
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const text = JSON.stringify([handle, this.#now() + this.#ttlMs]);
    const sealed = await crypto.subtle.encrypt(cipher(iv, id, bound), await key, utf8(text));
    return `${id}.${iv.toBase64(BASE64)}${new Uint8Array(sealed).toBase64(BASE64)}`;
  }

  /** What the call is known by. Rejects with RequestError for whatever was not sealed here, for this, and not too long ago. */
  async open(state: unknown, bound: Bound): Promise<string> {
    const opened = await this.#opened(state, bound);
    if (!opened) throw refused("is not valid: it must be the one that this request was answered with");
    const [handle, expiresAt] = opened;
    if (expiresAt < this.#now()) throw refused("has expired: ask anew without it");
    return handle;
  }

  async #opened(state: unknown, bound: Bound): Promise<[string, number] | undefined> {
    if (typeof state !== "string" || state.length > MAX_CHARS) return undefined;
    const [id = "", sealed = "", ...rest] = state.split(".");
    const key = this.#keys.find((known) => known.id === id);
    if (!key || rest.length > 0) return undefined;
    try {
      const ivChars = Math.ceil(IV_BYTES * 4 / 3);
      const iv = Uint8Array.fromBase64(sealed.slice(0, ivChars), BASE64);
      const bytes = Uint8Array.fromBase64(sealed.slice(ivChars), BASE64);
      const text = await crypto.subtle.decrypt(cipher(iv, id, bound), await key.key, bytes);
      return JSON.parse(new TextDecoder().decode(text));
    } catch {
      // Neither base64 nor ours: which of both is nobody's business.
      return undefined;
    }
  }

  /** Each key seals for as long as its texts count. */
  #newestKey(): Key {
    const now = this.#now();
    const [newest] = this.#keys;
    if (newest && now - newest.madeAt < this.#ttlMs) return newest;
    const key: Key = {
      id: crypto.getRandomValues(new Uint8Array(6)).toBase64(BASE64),
      key: crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]),
      madeAt: now,
    };
    this.#keys = [key, ...this.#keys.filter(({ madeAt }) => now - madeAt < 2 * this.#ttlMs)];
    return key;
  }
}

/** What makes a request the same one when it comes again: not its id, nor what it says of itself and of its state. */
export function digestOf({ method, params = {} }: JsonRpcRequest): string {
  const { _meta, requestState: _, inputResponses: __, ...own } = params;
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(JSON.stringify([method, inOrder(own)], spelled)).digest("base64url");
}

/** The same value with its keys in order, which is no part of what JSON says. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1);
  return entries.map(([key, member]) => [key, inOrder(member)]);
}

function spelled(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

function cipher(iv: BufferSource, id: string, { principal, digest }: Bound): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData: utf8(JSON.stringify([id, principal ?? null, digest])) };
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function refused(why: string): RequestError {
  return new RequestError(`params.requestState ${why}`, { code: RpcCode.invalidParams });
}
