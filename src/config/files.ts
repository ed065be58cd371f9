import { optionName } from "../base/option_name.ts";
import { ConfigError, messageOf } from "../core/errors.ts";
import { readSecretFile } from "../files/secret_file.ts";
import { type FileText, readSmallFile } from "../files/small_file.ts";
import { type KeyPair, parseKeyPair } from "../wire/signing/key_pair.ts";

/** What is no text is told of with the way out, where it is known what it is. */
const AS_IT_IS = { isText: false };

/** The text of a file that an option names. Throws ConfigError with the option and the path. */
function readFileOf(option: string, path: string): string {
  return textOf(option, path, readSmallFile(path, AS_IT_IS));
}

/** As `readFileOf`, for a file that others than its owner may not use. */
export function readSecretOf(option: string, path: string): string {
  return textOf(option, path, readSecretFile(path, AS_IT_IS));
}

function textOf(option: string, path: string, read: FileText): string {
  if ("text" in read) return read.text;
  throw new ConfigError(`${optionName(option)} ${JSON.stringify(path)}: ${read.fault}`);
}

interface NamedFiles {
  readonly headerFile?: string;
  readonly oauth2BearerFile?: string;
  readonly caFile?: string;
  readonly keypair?: string;
}

/** What stands in the files of a server, to be compared: of one that cannot be read, who needs it tells. */
export function fileTextsOf({ headerFile, oauth2BearerFile, caFile, keypair }: NamedFiles): string {
  const named = [headerFile, oauth2BearerFile, caFile, keypair];
  return JSON.stringify(named.map((path) => path && readSmallFile(path, AS_IT_IS)));
}

/** As `readFileOf`, for certificates in PEM. */
export function readCertificatesOf(option: string, path: string): string {
  const text = readFileOf(option, path);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new ConfigError(
    `${optionName(option)} ${JSON.stringify(path)}: holds no certificate in PEM form${certificateHint(text)}`,
  );
}

function certificateHint(text: string): string {
  if (PRIVATE_KEY.test(text)) {
    return ", but a private key; a certificate is public, and mostly in a file beside it";
  }
  if (text.includes("-----BEGIN TRUSTED CERTIFICATE-----")) {
    return '; "openssl x509 -in FILE -out FILE.pem" writes one that others can read, too';
  }
  return isBinary(text)
    ? '; "openssl x509 -inform der -in FILE -out FILE.pem" makes it of one in DER form'
    : "";
}

const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;

/** As `readSecretOf`, for a private key in PEM that nobody has to be asked a password for. */
export function readPrivateKeyOf(option: string, path: string): string {
  const text = readSecretOf(option, path);
  const encrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);
  if (PRIVATE_KEY.test(text) && !encrypted) return text;
  const fault = encrypted
    ? 'the key is encrypted, and nobody is asked for its password; "openssl pkey -in FILE -out FILE.pem" decrypts it'
    : `holds no private key in PEM form${keyHint(text)}`;
  throw new ConfigError(`${optionName(option)} ${JSON.stringify(path)}: ${fault}`);
}

/** A key pair of Ed25519. Throws ConfigError with the option and the path, and without anything of the key. */
export function readKeyPairOf(option: string, path: string): KeyPair {
  const read = readSecretFile(path);
  try {
    if ("text" in read) return parseKeyPair(read.text);
    throw new Error(read.fault);
  } catch (error) {
    throw new ConfigError(`${optionName(option)} ${JSON.stringify(path)}: ${messageOf(error)}`);
  }
}

function keyHint(text: string): string {
  if (text.includes("-----BEGIN CERTIFICATE-----")) {
    return ", but a certificate; the key is mostly in a file beside it";
  }
  return isBinary(text)
    ? '; "openssl pkey -inform der -in FILE -out FILE.pem" makes it of one in DER form'
    : "";
}

/** What is no text became replacement characters. */
function isBinary(text: string): boolean {
  return text.includes("\uFFFD") || text.includes("\0");
}

/** Throws ConfigError where there is no such folder. */
export function requireFolder(option: string, path: string): void {
  const fault = `${optionName(option)} ${JSON.stringify(path)}: there is no such folder`;
  try {
    if (Deno.statSync(path).isDirectory) return;
  } catch (cause) {
    throw new ConfigError(fault, { cause });
  }
  throw new ConfigError(fault);
}
