/** `keystone keypair`: makes a key pair, and shows the public key of one. */
import { join } from "node:path";
import { KEYPAIR_NAME } from "../../auth/keypair/authorized_keys.ts";
import { ConfigError, GatewayError, messageOf } from "../../core/errors.ts";
import { folderFault, PRIVATE } from "../../files/private_file.ts";
import { readSecretFile } from "../../files/secret_file.ts";
import { StateFolder } from "../../state/mod.ts";
import { makeKeyPair, parseKeyPair } from "../../wire/signing/key_pair.ts";
import type { PublicKey } from "../../wire/signing/public_key.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { type GivenFlags, readOwnFlags } from "../daemon/own_flags.ts";
import { credentialHelp } from "./help.ts";
import type { Action } from "./record_flags.ts";

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["generate", { flags: { out: { type: "string" } }, operands: 0, run: generate }],
  ["show", { flags: {}, operands: 1, run: show }],
]);

export async function run(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const [word = "", ...rest] = args;
  const action = ACTIONS.get(word);
  if (!action) {
    if (word !== "--help" && word !== "-h") throw unknownAction(word);
    context.stdout.write(credentialHelp("keypair"));
    return 0;
  }
  const given = readOwnFlags("keypair", rest, { ...action, ofGateway: false });
  if (given.on("help")) context.stdout.write(credentialHelp("keypair"));
  else await action.run(given, context);
  return 0;
}

async function generate(given: GivenFlags, context: CommandContext): Promise<void> {
  const name = nameOf(given);
  const path = outOf(given) ?? join((await StateFolder.open(given.stateDir)).path, "keypair.pem");
  const { pair, pem } = makeKeyPair();
  await writeNew(path, pem);
  tell(pair.publicKey, name, context);
  context.stderr.write(`The private key is in ${path}, and belongs to nobody else\n`);
}

/** Throws ConfigError where it cannot be made. */
function outOf(given: GivenFlags): string | undefined {
  const path = given.text("out");
  if (path === undefined) return undefined;
  if (path === "") throw new ConfigError("--out: expected a file");
  const fault = folderFault(path);
  if (fault !== undefined) throw new ConfigError(`--out ${JSON.stringify(path)}: ${fault}`);
  return path;
}

function show(given: GivenFlags, context: CommandContext): void {
  const [path = ""] = given.operands;
  if (path === "") throw new ConfigError("keystone keypair show: expected the file of a private key");
  const read = readSecretFile(path);
  if ("fault" in read) throw unusable(path, read.fault);
  tell(publicKeyIn(path, read.text), nameOf(given), context);
}

function publicKeyIn(path: string, text: string): PublicKey {
  try {
    return parseKeyPair(text).publicKey;
  } catch (cause) {
    throw unusable(path, messageOf(cause));
  }
}

/** The path is not followed by a colon: what stands behind a name such as `key.pem:` is no more to be read. */
function unusable(path: string, why: string): GatewayError {
  return new GatewayError(`${why} (${path})`);
}

function tell({ line, fingerprint }: PublicKey, name: string, { stdout, stderr }: CommandContext): void {
  stdout.write(`${line} ${name}\n`);
  stderr.write(`This line is for the file of --authorizedKeys; its fingerprint is ${fingerprint}\n`);
}

/** What is there may be the only copy of a key. */
async function writeNew(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text, { createNew: true, mode: PRIVATE });
  } catch (cause) {
    const taken = cause instanceof Deno.errors.AlreadyExists;
    throw new GatewayError(
      taken
        ? `there is a file already, which stays as it is (${path}); --out names another`
        : `the private key cannot be written to ${path} (${messageOf(cause)})`,
      { cause },
    );
  }
}

function nameOf(given: GivenFlags): string {
  const name = given.text("name");
  if (name !== undefined && KEYPAIR_NAME.test(name)) return name;
  if (name !== undefined) {
    throw new ConfigError(
      `--name ${JSON.stringify(name.slice(0, 80))}: expected letters, digits, and any of - _ . @, 64 at most`,
    );
  }
  const user = Deno.env.get("USER") ?? Deno.env.get("USERNAME") ?? "";
  return KEYPAIR_NAME.test(user) ? user : "me";
}

function unknownAction(word: string): ConfigError {
  const given = word === "" ? "" : ` ${JSON.stringify(word.slice(0, 40))}`;
  return new ConfigError(`keystone keypair${given}: expected generate or show; see keystone keypair --help`);
}
