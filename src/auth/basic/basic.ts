/** Users with passwords (RFC 7617), as `keystone users` writes them. */
import { createHash, randomBytes } from "node:crypto";
import { BusyError } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import { FreshFile } from "../../files/fresh_file.ts";
import { type KeyStates, tellKeyChanges } from "../key_changes.ts";
import type { Authenticator, Denial, Identity, Verdict } from "../authenticator.ts";
import { hashPassword, isPassword } from "./password_hash.ts";
import { type UserEntry, userFile } from "./user_file.ts";

/** At once: each takes some memory and a thread. */
const MAX_AT_ONCE = 4;
/** Who comes then is told to come later. */
const MAX_WAITING = 64;
/** Passwords that were right lately: another look at them would cost each request a guess. */
const MAX_REMEMBERED = 1_000;

interface BasicOptions {
  readonly path: string;
  readonly emit: Sink;
}

interface Given {
  readonly name: string;
  readonly password: string;
}

type Users = ReadonlyMap<string, UserEntry>;

/** Throws an Error that says what is wrong with the file. */
export async function basicUsers({ path, emit }: BasicOptions): Promise<Authenticator> {
  const file = new FreshFile<Users>(path, {
    parse: (text) => new Map(userFile.parse(text).map((entry) => [entry.name, entry])),
    onTrouble: (reason) => emit({ type: "auth.trouble", file: path, reason }),
    onChange: (before, now) =>
      tellKeyChanges(emit, { kind: "basic", before: statesOf(before), now: statesOf(now) }),
  });
  const checks = new PasswordChecks();
  // Who does not exist takes as long as who does.
  const nobodys = await hashPassword(randomBytes(16).toString("hex"));
  async function judge({ name, password }: Given): Promise<Identity | Denial> {
    const user = file.current.get(name);
    const isRight = await checks.isPassword(password, user?.hash ?? nobodys);
    if (!user) return { why: "unknown" };
    if (!isRight) return { why: "wrong", credential: name };
    return identityOf(user, () => file.current.get(name)?.hash === user.hash);
  }
  return {
    kind: "basic",
    count: () => file.current.size,
    challenge: () => 'Basic realm="keystone", charset="UTF-8"',
    identify(credentials): Verdict | Promise<Verdict> {
      const encoded = credentials.of("basic");
      if (encoded === undefined) return undefined;
      const given = parse(encoded);
      if (!given) return { why: "malformed" };
      const user = file.current.get(given.name);
      if (!user || !checks.knows(given.password, user.hash)) return judge(given);
      return identityOf(user, () => file.current.get(user.name)?.hash === user.hash);
    },
  };
}

/** Bounded: each of them is meant to be costly. */
class PasswordChecks {
  /** Of this process alone, so that what is remembered is of no use elsewhere. */
  readonly #salt = randomBytes(32);
  readonly #right = new Set<string>();
  /** Who comes with the same one meanwhile waits for the same answer. */
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  #atOnce = 0;

  /** Whether it was right before. */
  knows(password: string, hash: string): boolean {
    return this.#right.has(this.#digestOf(password, hash));
  }

  /** Rejects with BusyError while too many wait. */
  async isPassword(password: string, hash: string): Promise<boolean> {
    const digest = this.#digestOf(password, hash);
    const running = this.#running.get(digest);
    if (running) return await running;
    const check = this.#inTurn(() => isPassword(password, hash)).finally(() => this.#running.delete(digest));
    this.#running.set(digest, check);
    const isRight = await check;
    if (isRight) this.#remember(digest);
    return isRight;
  }

  async #inTurn<T>(check: () => Promise<T>): Promise<T> {
    if (this.#waiting.length >= MAX_WAITING) throw new BusyError("Too many passwords are being checked");
    if (this.#atOnce >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#atOnce++;
    try {
      return await check();
    } finally {
      const next = this.#waiting.shift();
      // It takes over the place.
      if (next) next();
      else this.#atOnce--;
    }
  }

  #remember(digest: string): void {
    const [oldest] = this.#right;
    if (this.#right.size >= MAX_REMEMBERED && oldest !== undefined) this.#right.delete(oldest);
    this.#right.add(digest);
  }

  #digestOf(password: string, hash: string): string {
    return createHash("sha256").update(this.#salt).update(hash).update("\0").update(password).digest(
      "base64",
    );
  }
}

function identityOf({ name, scopes }: UserEntry, holds: () => boolean): Identity {
  return { principal: { name: `basic/${name}`, holds }, scopes, credential: name };
}

/** Undefined for what is no name and password in UTF-8 and base64. */
function parse(encoded: string): Given | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.fromBase64(encoded));
    const end = text.indexOf(":");
    return end < 0 ? undefined : { name: text.slice(0, end), password: text.slice(end + 1) };
  } catch {
    return undefined; // neither
  }
}

function statesOf(users: Users): KeyStates {
  return new Map(
    [...users].map(([name, entry]) => [name, { version: JSON.stringify(entry), isRevoked: false }]),
  );
}
