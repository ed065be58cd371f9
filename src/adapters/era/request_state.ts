/**
 * The `requestState` that a client brings back with its answers: sealed, since it has been in the client's hands
 * (2026-07-28, "Multi Round-Trip Requests", Server Requirements). What it opens is known to this process alone, and so are
 * the keys. That it opens that once is for who keeps the calls: a text can be shown as often as its owner likes.
 */
import { joinedBytes } from "../../base/joined_bytes.ts";
import { quoted } from "../../base/outside.ts";
import { RequestError, RpcCode } from "../../core/errors.ts";

export interface RequestStatesOptions {
  /** How long what is sealed can be opened. */
  readonly ttlMs: number;
  /** A clock that is never set back. */
  readonly now?: () => number;
}

/** What a text is good for, and for nothing else. */
export interface Bound {
  /** Who has asked; undefined where nobody is known. */
  readonly principal: string | undefined;
  /** Of the request that is asked again, as `digestOf` makes it. */
  readonly digest: string;
}

interface SealingKey {
  readonly id: string;
  readonly key: Promise<CryptoKey>;
  readonly madeAt: number;
}

const ID_BYTES = 6;
const ID_CHARS = 8;
/** What AES-GCM takes, and what it adds (NIST SP 800-38D). */
const [IV_BYTES, TAG_BYTES] = [12, 16];
const HANDLE = /^[\w-]{1,64}$/;
/** Milliseconds until then, a space, a handle. */
const MAX_PLAIN_BYTES = 16 + 1 + 64;
const MAX_CHARS = ID_CHARS + Math.ceil((IV_BYTES + MAX_PLAIN_BYTES + TAG_BYTES) * 4 / 3);
/** In times of `ttlMs`: two in which it seals and its last text expires, two to tell that text from one that is made up. */
const KEY_LIVES = 4;

const NOT_OURS = "Invalid params: requestState is not one that was given for this request";
const EXPIRED = "Invalid params: requestState has expired; send the request again without it";

export class RequestStates {
  readonly #ttlMs: number;
  readonly #now: () => number;
  /** By id, oldest first. */
  readonly #keys = new Map<string, SealingKey>();
  #newest: SealingKey | undefined;

  constructor({ ttlMs, now = () => performance.now() }: RequestStatesOptions) {
    if (!(ttlMs > 0 && ttlMs < Infinity)) throw new RangeError(`No time for a request state: ${ttlMs}`);
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  /** A text that only `open` can read, with the same bounds. */
  async seal(handle: string, bound: Bound): Promise<string> {
    if (!HANDLE.test(handle)) throw new TypeError(`No handle: ${quoted(handle)}`);
    const { id, key } = this.#current();
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const plain = utf8(`${Math.ceil(this.#now() + this.#ttlMs)} ${handle}`);
    const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher(iv, id, bound), await key, plain));
    return `${id}${base64(joinedBytes(iv, sealed))}`;
  }

  /** The handle in it; anything else than a text of `seal` is refused, and is told no more than that. */
  async open(text: unknown, bound: Bound): Promise<string> {
    if (typeof text !== "string") throw refusal("it is no text");
    if (text.length > MAX_CHARS) throw refusal(`it is longer than ${MAX_CHARS} characters`);
    const id = text.slice(0, ID_CHARS);
    this.#forgetOld();
    const known = this.#keys.get(id);
    if (!known) {
      throw refusal("its key is not known: it is made up, or of a time long past, or of another process");
    }
    const [until, handle = ""] = (await opened(text.slice(ID_CHARS), known, bound)).split(" ");
    if (Number(until) <= this.#now()) throw refusal("it has expired", EXPIRED);
    return handle;
  }

  /** Each seals for the time of one text: whoever learnt it would have no more than that. */
  #current(): SealingKey {
    const now = this.#now();
    if (this.#newest && now < this.#newest.madeAt + this.#ttlMs) return this.#newest;
    this.#forgetOld();
    const made = { id: base64(crypto.getRandomValues(new Uint8Array(ID_BYTES))), key: newKey(), madeAt: now };
    this.#keys.set(made.id, made);
    return this.#newest = made;
  }

  #forgetOld(): void {
    const made = this.#now() - KEY_LIVES * this.#ttlMs;
    for (const { id, madeAt } of this.#keys.values()) {
      if (madeAt > made) return;
      this.#keys.delete(id);
    }
  }
}

/** What stands in a text behind the id of its key. */
async function opened(encoded: string, { id, key }: SealingKey, bound: Bound): Promise<string> {
  const bytes = bytesOf(encoded);
  const iv = bytes.subarray(0, IV_BYTES);
  try {
    const plain = await crypto.subtle.decrypt(cipher(iv, id, bound), await key, bytes.subarray(IV_BYTES));
    return new TextDecoder().decode(plain);
  } catch (cause) {
    throw refusal("it was changed, or is that of another request or principal", NOT_OURS, cause);
  }
}

/** Each text has one spelling: a decoder leaves out white space, and the last bits. */
function bytesOf(encoded: string): Uint8Array<ArrayBuffer> {
  try {
    const bytes = Uint8Array.fromBase64(encoded, { alphabet: "base64url" });
    if (base64(bytes) === encoded) return bytes;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw refusal("it is no Base64");
}

function base64(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** What is bound to it need not be in it. As JSON, where one value cannot be taken for two others. */
function cipher(iv: Uint8Array<ArrayBuffer>, id: string, { principal, digest }: Bound): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData: utf8(JSON.stringify([id, principal ?? null, digest])) };
}

function newKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** The client is not told what gave it away. */
function refusal(detail: string, message = NOT_OURS, cause?: unknown): RequestError {
  return new RequestError(message, { code: RpcCode.invalidParams, logged: `${message}: ${detail}`, cause });
}
