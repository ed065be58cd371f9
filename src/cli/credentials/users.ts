/** `keystone users`: who may come with a name and a password. */
import { hashPassword } from "../../auth/basic/password_hash.ts";
import { userFile } from "../../auth/basic/user_file.ts";
import { ConfigError, GatewayError } from "../../core/errors.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import type { GivenFlags } from "../daemon/own_flags.ts";
import { credentialHelp } from "./help.ts";
import { readPassword } from "./password.ts";
import * as records from "./record_flags.ts";

const MIN_PASSWORD_CHARS = 8; // NIST SP 800-63B, section 3.1.1.2, beside another factor; rules for letters do not help

const ACTIONS: ReadonlyMap<string, records.Action> = new Map([
  ["add", { flags: { scope: { type: "string", multiple: true } }, operands: 1, run: add }],
  ["password", { flags: {}, operands: 1, run: changePassword }],
  ["list", { flags: { json: { type: "boolean" } }, operands: 0, run: list }],
  ["remove", { flags: {}, operands: 1, run: remove }],
]);

export async function run(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const help = credentialHelp("users");
  const actions = { command: "users", option: "basicUserFile", help, actions: ACTIONS } as const;
  return await records.runAction(actions, args, context);
}

async function add(given: GivenFlags, { stderr }: CommandContext): Promise<void> {
  const name = records.recordNameOf(given.operands[0], "keystone users add");
  const scopes = records.scopesOf(given);
  const path = await pathOf(given);
  if (isThere(path, name)) throw known(name);
  const hash = await newHash(stderr);
  await records.changeRecords(path, userFile, (users) => {
    if (users.some((user) => user.name === name)) throw known(name);
    return [...users, { name, hash, scopes, createdAt: new Date().toISOString() }];
  });
  stderr.write(`User "${name}" is in ${path}\n`);
}

async function changePassword(given: GivenFlags, { stderr }: CommandContext): Promise<void> {
  const name = records.recordNameOf(given.operands[0], "keystone users password");
  const path = await pathOf(given);
  if (!isThere(path, name)) throw unknown(name);
  const hash = await newHash(stderr);
  await records.changeRecords(path, userFile, (users) => {
    if (!users.some((user) => user.name === name)) throw unknown(name);
    return users.map((user) => user.name === name ? { ...user, hash } : user);
  });
  stderr.write(`User "${name}" has another password; what the old one has opened ends within a second\n`);
}

async function list(given: GivenFlags, { stdout, stderr }: CommandContext): Promise<void> {
  const path = await pathOf(given);
  const users = records.readRecords(path, userFile.read).map(({ hash: _, ...user }) => user);
  if (given.on("json")) return void stdout.write(`${JSON.stringify(users, undefined, 2)}\n`);
  if (users.length === 0) return void stderr.write(`There are no users in ${path}\n`);
  const rows = users.map(({ name, scopes, createdAt }) => [name, createdAt, scopes.join(" ") || "-"]);
  stdout.write(records.table([["NAME", "SINCE", "SCOPES"], ...rows]));
}

async function remove(given: GivenFlags, { stderr }: CommandContext): Promise<void> {
  const name = records.recordNameOf(given.operands[0], "keystone users remove");
  const path = await pathOf(given);
  await records.changeRecords(path, userFile, (users) => {
    if (!users.some((user) => user.name === name)) throw unknown(name);
    return users.filter((user) => user.name !== name);
  });
  stderr.write(`User "${name}" is removed: a running gateway knows within a second\n`);
}

async function newHash(stderr: CommandContext["stderr"]): Promise<string> {
  const password = await readPassword(stderr);
  if (password.length >= MIN_PASSWORD_CHARS) return await hashPassword(password);
  throw new ConfigError(`The password is too short: expected ${MIN_PASSWORD_CHARS} characters at least`);
}

function pathOf(given: GivenFlags): Promise<string> {
  return records.recordFileOf("basicUserFile", given);
}

function isThere(path: string, name: string): boolean {
  return records.readRecords(path, userFile.read).some((user) => user.name === name);
}

function known(name: string): GatewayError {
  return new GatewayError(
    `there is a user "${name}" already; keystone users password ${name} gives another one`,
  );
}

function unknown(name: string): GatewayError {
  return new GatewayError(`there is no user "${name}"; keystone users list names them`);
}
