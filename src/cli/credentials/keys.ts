/** `keystone keys`: makes, lists, replaces and takes back API keys. */
import { type KeyEntry, keyFile, lapseOf } from "../../auth/api_key/key_file.ts";
import { digestOf, makeKey } from "../../auth/api_key/key_text.ts";
import { readUsage } from "../../auth/api_key/key_usage.ts";
import { ConfigError, GatewayError } from "../../core/errors.ts";
import { lifetime } from "../../options/values.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import type { GivenFlags, Spec } from "../daemon/own_flags.ts";
import { credentialHelp } from "./help.ts";
import * as records from "./record_flags.ts";

const EXPIRES: Spec = { expires: { type: "string" } };
const SCOPES: Spec = { scope: { type: "string", multiple: true } };
const DEFAULT_GRACE_MS = 24 * 60 * 60 * 1_000;

const ACTIONS: ReadonlyMap<string, records.Action> = new Map([
  ["create", { flags: { ...EXPIRES, ...SCOPES }, operands: 0, run: create }],
  ["list", { flags: { json: { type: "boolean" } }, operands: 0, run: list }],
  ["rotate", { flags: { ...EXPIRES, grace: { type: "string" } }, operands: 1, run: rotate }],
  ["revoke", { flags: {}, operands: 1, run: revoke }],
]);

export async function run(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const help = credentialHelp("keys");
  return await records.runAction(
    { command: "keys", option: "apiKeyFile", help, actions: ACTIONS },
    args,
    context,
  );
}

async function create(given: GivenFlags, { stdout, stderr }: CommandContext): Promise<void> {
  const name = records.recordNameOf(given.text("name"), "--name");
  const scopes = records.scopesOf(given);
  const lifetimeMs = timeOf(given, "expires");
  const path = await pathOf(given);
  const key = makeKey();
  await records.changeRecords(path, keyFile, (keys) => {
    if (keys.some((entry) => entry.name === name && isLive(entry))) {
      throw new GatewayError(`there is a key "${name}" already; keystone keys rotate ${name} replaces it`);
    }
    return [...keys, entryOf(key, { name, scopes, lifetimeMs })];
  });
  stdout.write(`${key.text}\n`);
  stderr.write(`This is key "${name}" (${key.id}), and it is not shown again; its digest is in ${path}\n`);
}

async function list(given: GivenFlags, { stdout, stderr }: CommandContext): Promise<void> {
  const path = await pathOf(given);
  const used = readUsage(path);
  const keys = records.readRecords(path, keyFile.read).map(({ digest: _, ...entry }) => ({
    ...entry,
    status: lapseOf(entry, Date.now()) ?? "valid",
    lastUsedAt: used[entry.id],
  }));
  if (given.on("json")) return void stdout.write(`${JSON.stringify(keys, undefined, 2)}\n`);
  if (keys.length === 0) return void stderr.write(`There are no keys in ${path}\n`);
  const rows = keys.map(({ id, name, status, scopes, expiresAt, lastUsedAt }) => [
    ...[id, name, status, expiresAt ?? "-", lastUsedAt ?? "-", scopes.join(" ") || "-"],
  ]);
  stdout.write(records.table([["ID", "NAME", "STATUS", "EXPIRES", "LAST USED", "SCOPES"], ...rows]));
}

async function rotate(given: GivenFlags, { stdout, stderr }: CommandContext): Promise<void> {
  const name = records.recordNameOf(given.operands[0], "keystone keys rotate");
  const graceMs = timeOf(given, "grace") ?? DEFAULT_GRACE_MS;
  const lifetimeMs = timeOf(given, "expires");
  const path = await pathOf(given);
  const key = makeKey();
  const end = new Date(Date.now() + graceMs).toISOString();
  await records.changeRecords(path, keyFile, (keys) => {
    const old = keys.filter((entry) => entry.name === name && isLive(entry));
    const newest = old.at(-1);
    if (!newest) throw nothingNamed(name, keys);
    const next = entryOf(key, { name, scopes: newest.scopes, lifetimeMs });
    return [...keys.map((entry) => old.includes(entry) ? endingAt(entry, end) : entry), next];
  });
  stdout.write(`${key.text}\n`);
  stderr.write(`This is the new key "${name}" (${key.id}); the one before counts until ${end}\n`);
}

async function revoke(given: GivenFlags, { stderr }: CommandContext): Promise<void> {
  const [meant = ""] = given.operands;
  if (meant === "") throw new ConfigError("keystone keys revoke: expected the name or the id of a key");
  const path = await pathOf(given);
  const revokedAt = new Date().toISOString();
  let count = 0;
  await records.changeRecords(path, keyFile, (keys) => {
    const gone = keys.filter((entry) => (entry.name === meant || entry.id === meant) && isLive(entry));
    if (gone.length === 0) throw nothingNamed(meant, keys);
    count = gone.length;
    return keys.map((entry) => gone.includes(entry) ? { ...entry, revokedAt } : entry);
  });
  const what = count === 1 ? "The key is" : `${count} keys are`;
  stderr.write(`${what} revoked: a running gateway knows within a second\n`);
}

function pathOf(given: GivenFlags): Promise<string> {
  return records.recordFileOf("apiKeyFile", given);
}

interface Wanted {
  readonly name: string;
  readonly scopes: readonly string[];
  /** Undefined where it counts for ever. */
  readonly lifetimeMs: number | undefined;
}

function entryOf(
  { id, secret }: { readonly id: string; readonly secret: string },
  { name, scopes, lifetimeMs }: Wanted,
): KeyEntry {
  const now = Date.now();
  const createdAt = new Date(now).toISOString();
  const entry = { id, name, digest: digestOf(secret), scopes: [...scopes], createdAt };
  if (lifetimeMs === undefined) return entry;
  return { ...entry, expiresAt: new Date(now + lifetimeMs).toISOString() };
}

/** What ends before that ends then. */
function endingAt(entry: KeyEntry, end: string): KeyEntry {
  return entry.expiresAt !== undefined && entry.expiresAt < end ? entry : { ...entry, expiresAt: end };
}

function isLive(entry: KeyEntry): boolean {
  return lapseOf(entry, Date.now()) === undefined;
}

function nothingNamed(name: string, keys: readonly KeyEntry[]): GatewayError {
  const live = [...new Set(keys.filter(isLive).map((entry) => entry.name))];
  const known = live.length === 0 ? "there is none" : `there are ${live.slice(0, 20).join(", ")}`;
  return new GatewayError(`there is no valid key "${name.slice(0, 80)}"; ${known}`);
}

/** Undefined where it is not given. Throws ConfigError. */
function timeOf(given: GivenFlags, flag: "expires" | "grace"): number | undefined {
  const text = given.text(flag);
  if (text === undefined) return undefined;
  const result = lifetime().safeParse(text);
  if (result.success) return result.data;
  throw new ConfigError(`--${flag} ${JSON.stringify(text.slice(0, 80))}: ${result.error.issues[0]?.message}`);
}
