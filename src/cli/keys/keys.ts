/** `keystone keys`: makes, lists, replaces and takes back API keys. */
import { changeKeys, KEY_NAME, type KeyEntry, lapseOf, readKeys } from "../../auth/api_key/key_file.ts";
import { digestOf, makeKey } from "../../auth/api_key/key_text.ts";
import { readUsage } from "../../auth/api_key/key_usage.ts";
import { SCOPE } from "../../auth/authenticator.ts";
import { ConfigError, GatewayError, messageOf } from "../../core/errors.ts";
import { lifetime } from "../../options/values.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import type { GivenFlags, Spec } from "../daemon/own_flags.ts";
import { keyHelp } from "./help.ts";
import { keyFileOf, readKeyFlags, refused } from "./key_flags.ts";

interface Action {
  readonly flags: Spec;
  readonly operands: number;
  readonly run: (given: GivenFlags, context: CommandContext) => Promise<void>;
}

const EXPIRES: Spec = { expires: { type: "string" } };
const DEFAULT_GRACE = "24h";

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ["create", { flags: { ...EXPIRES, scope: { type: "string", multiple: true } }, operands: 0, run: create }],
  ["list", { flags: { json: { type: "boolean" } }, operands: 0, run: list }],
  ["rotate", { flags: { ...EXPIRES, grace: { type: "string" } }, operands: 1, run: rotate }],
  ["revoke", { flags: {}, operands: 1, run: revoke }],
]);

export async function run(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const [word = "", ...rest] = args;
  const action = ACTIONS.get(word);
  if (!action) {
    if (word !== "--help" && word !== "-h") throw unknownAction(word);
    context.stdout.write(keyHelp("keys"));
    return 0;
  }
  const given = readKeyFlags("keys", rest, action);
  if (given.on("help")) context.stdout.write(keyHelp("keys"));
  else await action.run(given, context);
  return 0;
}

async function create(given: GivenFlags, { stdout, stderr }: CommandContext): Promise<void> {
  const name = nameOf(given.text("name"), "--name");
  const scopes = given.texts("scope").map(scopeOf);
  const path = await keyFileOf(given);
  const key = makeKey();
  await changed(path, (keys) => {
    if (keys.some((entry) => entry.name === name && isLive(entry))) {
      throw new GatewayError(`there is a key "${name}" already; keystone keys rotate ${name} replaces it`);
    }
    return [...keys, entryOf(key, { name, scopes, expires: given.text("expires") })];
  });
  stdout.write(`${key.text}\n`);
  stderr.write(`This is key "${name}" (${key.id}), and it is not shown again; its digest is in ${path}\n`);
}

async function list(given: GivenFlags, { stdout, stderr }: CommandContext): Promise<void> {
  const path = await keyFileOf(given);
  const used = readUsage(path);
  const keys = refused(path, () => readKeys(path)).map(({ digest: _, ...entry }) => ({
    ...entry,
    status: lapseOf({ ...entry, digest: "" }, Date.now()) ?? "valid",
    lastUsedAt: used[entry.id],
  }));
  if (given.on("json")) return void stdout.write(`${JSON.stringify(keys, undefined, 2)}\n`);
  if (keys.length === 0) return void stderr.write(`There are no keys in ${path}\n`);
  const rows = keys.map(({ id, name, status, scopes, expiresAt, lastUsedAt }) => [
    ...[id, name, status, expiresAt ?? "-", lastUsedAt ?? "-", scopes.join(" ") || "-"],
  ]);
  stdout.write(table([["ID", "NAME", "STATUS", "EXPIRES", "LAST USED", "SCOPES"], ...rows]));
}

async function rotate(given: GivenFlags, { stdout, stderr }: CommandContext): Promise<void> {
  const name = nameOf(given.operands[0], "keystone keys rotate");
  const graceMs = timeOf("grace", given.text("grace") ?? DEFAULT_GRACE);
  const path = await keyFileOf(given);
  const key = makeKey();
  const end = new Date(Date.now() + graceMs).toISOString();
  await changed(path, (keys) => {
    const old = keys.filter((entry) => entry.name === name && isLive(entry));
    const newest = old.at(-1);
    if (!newest) throw nothingNamed(name, keys);
    const next = entryOf(key, { name, scopes: newest.scopes, expires: given.text("expires") });
    return [...keys.map((entry) => old.includes(entry) ? endingAt(entry, end) : entry), next];
  });
  stdout.write(`${key.text}\n`);
  stderr.write(`This is the new key "${name}" (${key.id}); the one before counts until ${end}\n`);
}

async function revoke(given: GivenFlags, { stderr }: CommandContext): Promise<void> {
  const [meant = ""] = given.operands;
  if (meant === "") throw new ConfigError("keystone keys revoke: expected the name or the id of a key");
  const path = await keyFileOf(given);
  const revokedAt = new Date().toISOString();
  let count = 0;
  await changed(path, (keys) => {
    const gone = keys.filter((entry) => (entry.name === meant || entry.id === meant) && isLive(entry));
    if (gone.length === 0) throw nothingNamed(meant, keys);
    count = gone.length;
    return keys.map((entry) => gone.includes(entry) ? { ...entry, revokedAt } : entry);
  });
  stderr.write(
    `${count === 1 ? "The key is" : `${count} keys are`} revoked: a running gateway knows within a second\n`,
  );
}

type Change = (keys: readonly KeyEntry[]) => readonly KeyEntry[];

async function changed(path: string, change: Change): Promise<void> {
  try {
    await changeKeys(path, change);
  } catch (cause) {
    throw new GatewayError(`${path}: ${messageOf(cause)}`, { cause });
  }
}

interface Wanted {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expires: string | undefined;
}

function entryOf(
  { id, secret }: { id: string; secret: string },
  { name, scopes, expires }: Wanted,
): KeyEntry {
  const now = Date.now();
  const expiresAt = expires === undefined
    ? undefined
    : new Date(now + timeOf("expires", expires)).toISOString();
  return {
    ...{ id, name, digest: digestOf(secret), scopes: [...scopes], createdAt: new Date(now).toISOString() },
    ...expiresAt !== undefined && { expiresAt },
  };
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

function nameOf(text: string | undefined, what: string): string {
  if (text !== undefined && KEY_NAME.test(text)) return text;
  const shown = text === undefined ? "" : ` ${JSON.stringify(text.slice(0, 80))}`;
  throw new ConfigError(
    `${what}${shown}: expected the name of a key: letters, digits, -, _ and ., a letter or digit first, 64 at most`,
  );
}

function scopeOf(text: string): string {
  if (SCOPE.test(text)) return text;
  throw new ConfigError(
    `--scope ${JSON.stringify(text.slice(0, 80))}: expected visible characters without " and \\`,
  );
}

function timeOf(flag: string, text: string): number {
  const result = lifetime().safeParse(text);
  if (result.success) return result.data;
  throw new ConfigError(`--${flag} ${JSON.stringify(text.slice(0, 80))}: ${result.error.issues[0]?.message}`);
}

function unknownAction(word: string): ConfigError {
  const given = word === "" ? "" : ` ${JSON.stringify(word.slice(0, 40))}`;
  return new ConfigError(
    `keystone keys${given}: expected create, list, rotate or revoke; see keystone keys --help`,
  );
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()}\n`
  )
    .join("");
}
