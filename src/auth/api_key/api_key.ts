/** API keys: made by `keystone keys`, sent as `X-API-Key` or as a bearer token. */
import type { Sink } from "../../core/events.ts";
import { FreshFile } from "../../files/fresh_file.ts";
import { type Authenticator, type Denial, type Identity, isDenial } from "../authenticator.ts";
import { bearerChallenge } from "../challenge.ts";
import type { Credentials } from "../credentials.ts";
import { type KeyStates, tellKeyChanges } from "../key_changes.ts";
import { Verified } from "../verified.ts";
import { type KeyEntry, keyFile, lapseOf } from "./key_file.ts";
import { digestOf, isSameDigest, KEY_CHARS, looksLikeKey, parseKey } from "./key_text.ts";

interface ApiKeyOptions {
  /** The file with the keys; it may be missing for now. */
  readonly path: string;
  /** Hears of each key that was used, once a second. */
  readonly onUsed: (id: string) => void;
  readonly emit: Sink;
}

/** How exact it is told when a key was used: to be told of each use would cost as much as to look for the key. */
const USED_MS = 1_000;

const MAX_FIELD_CHARS = "Bearer ".length + KEY_CHARS;

/** What a key comes to, made once for each. */
interface Known {
  readonly entry: KeyEntry;
  /** In milliseconds since 1970. */
  readonly expiresMs: number;
  readonly identity: Identity;
  /** When `onUsed` heard of it last, by `Date.now()`. */
  usedAt: number;
}

/** By id. */
type KnownKeys = ReadonlyMap<string, Known>;

/** Where a key may stand. */
interface Field {
  /** The text of it; undefined where there is none that can be one. */
  readonly whole: (credentials: Credentials) => string | undefined;
  /** The key in it: one that is right as a whole is not read again. */
  readonly keyIn: (credentials: Credentials) => string | undefined;
  readonly verified: Verified<KnownKeys, Known>;
}

function authorizationField(): Field {
  return {
    whole: (credentials) => credentials.authorization,
    keyIn(credentials) {
      const token = credentials.of("bearer");
      // One of another form is that of another kind.
      return token !== undefined && looksLikeKey(token) ? token : undefined;
    },
    verified: new Verified(),
  };
}

/** Nothing else is sent there. */
function apiKeyField(): Field {
  const whole = (credentials: Credentials) => credentials.apiKey;
  return { whole, keyIn: whole, verified: new Verified() };
}

/** Throws an Error that says what is wrong with the file. */
export function apiKeys({ path, onUsed, emit }: ApiKeyOptions): Authenticator {
  const file = new FreshFile<KnownKeys>(path, {
    parse: (text) => knownKeys(keyFile.parse(text), holds),
    onTrouble: (reason) => emit({ type: "auth.trouble", file: path, reason }),
    onChange: (before, now) =>
      tellKeyChanges(emit, { kind: "apiKey", before: statesOf(before), now: statesOf(now) }),
  });
  function holds({ id, digest, scopes }: KeyEntry): boolean {
    const now = file.current.get(id);
    if (now?.entry.digest !== digest || lapsed(now)) return false;
    return scopes.every((scope) => now.entry.scopes.includes(scope));
  }
  function judge(known: Known): Identity | Denial {
    const now = Date.now();
    const denial = lapsed(known, now);
    if (denial) return denial;
    // A clock that was set, in whichever direction, is a reason to tell.
    if (Math.abs(now - known.usedAt) >= USED_MS) {
      known.usedAt = now;
      onUsed(known.entry.id);
    }
    return known.identity;
  }
  function identifyBy(
    { whole, keyIn, verified }: Field,
    credentials: Credentials,
  ): Identity | Denial | undefined {
    const text = whole(credentials);
    if (text === undefined) return undefined;
    const keys = file.current;
    const remembered = verified.get(keys, text);
    if (remembered) return judge(remembered);
    const key = keyIn(credentials);
    const known = key === undefined ? undefined : find(keys, key);
    if (!known || "why" in known) return known;
    const verdict = judge(known);
    // There is one way to send it that is usual: of all others there could be as many as somebody likes.
    if (!isDenial(verdict) && text.length <= MAX_FIELD_CHARS) verified.add(keys, text, known);
    return verdict;
  }
  const [authorization, apiKey] = [authorizationField(), apiKeyField()];
  return {
    kind: "apiKey",
    unguessable: true,
    count: () => file.current.values().filter((known) => !lapsed(known)).toArray().length,
    challenge: (failure) => bearerChallenge(failure && "invalid_token"),
    identify(credentials) {
      // Mostly it is a bearer token, and then the other field need not be read.
      const verdict = identifyBy(authorization, credentials);
      if (verdict && !isDenial(verdict)) return verdict;
      const other = identifyBy(apiKey, credentials);
      return other && !isDenial(other) ? other : moreTelling(verdict, other);
    },
  };
}

/** Who tries a key that was somebody's once is not to hide that behind one which never was. */
function moreTelling(one: Denial | undefined, other: Denial | undefined): Denial | undefined {
  const denials = [one, other].filter((denial) => denial !== undefined);
  return denials.find(({ why }) => why === "revoked" || why === "expired") ??
    denials.find(({ credential }) => credential !== undefined) ?? denials[0];
}

/** Whether it counts at this time is not asked. */
function find(keys: KnownKeys, text: string): Known | Denial {
  const parts = parseKey(text);
  if (!parts) return { why: "malformed" };
  const { id, secret } = parts;
  const digest = digestOf(secret);
  const known = keys.get(id);
  // Ids are no secrets: that there is none of this name may be told by the time it takes.
  if (!known) return { why: "unknown", credential: id };
  if (!isSameDigest(digest, known.entry.digest)) return { why: "wrong", credential: id };
  return known;
}

function lapsed({ entry, expiresMs }: Known, now = Date.now()): Denial | undefined {
  if (entry.revokedAt === undefined && expiresMs > now) return undefined;
  const why = lapseOf(entry, now);
  return why && { why, credential: entry.id };
}

/** `holds` says whether the same key still counts, and for all that it did. */
function knownKeys(entries: readonly KeyEntry[], holds: (entry: KeyEntry) => boolean): KnownKeys {
  return new Map(entries.map((entry): [string, Known] => {
    const { id, name, scopes, expiresAt } = entry;
    const principal = { name: `apiKey/${name}`, holds: () => holds(entry) };
    const expiresMs = expiresAt === undefined ? Infinity : Date.parse(expiresAt);
    return [id, { entry, expiresMs, identity: { principal, scopes, credential: id }, usedAt: 0 }];
  }));
}

function statesOf(keys: KnownKeys): KeyStates {
  return new Map([...keys].map(([id, { entry }]) => {
    const isRevoked = entry.revokedAt !== undefined;
    return [id, { version: JSON.stringify(entry), isRevoked }];
  }));
}
