/** From the settings of TLS to the files that its certificate and key are read from, now and later. */
import { join } from "node:path";
import { optionName } from "./base/option_name.ts";
import { readCertificatesOf, readPrivateKeyOf } from "./config/files.ts";
import { ConfigError, messageOf } from "./core/errors.ts";
import { isWildcard } from "./listener/reachable_host.ts";
import type { TlsFiles } from "./server.ts";
import { StateFolder } from "./state/mod.ts";
import { certificateIn, keepSelfSigned } from "./tls/kept_self_signed.ts";
import type { TlsSettings } from "./tls/options.ts";

export interface TlsSource {
  readonly certFile: string;
  readonly keyFile: string;
  /** The options that a message calls them by. */
  readonly certOption: TlsFiles["certOption"];
  readonly keyOption: TlsFiles["keyOption"];
  /** Has another pair there before the old one ends; who has given the files sees to that himself. */
  readonly keep?: () => Promise<unknown>;
}

interface TlsSurroundings {
  readonly tls: TlsSettings;
  /** That is listened on. */
  readonly host: string;
  /** As the option has it. */
  readonly stateDir: string | undefined;
}

/** Undefined where nothing is encrypted. Throws ConfigError where no certificate of our own can be kept. */
export async function openTls({ tls, host, stateDir }: TlsSurroundings): Promise<TlsSource | undefined> {
  const { tlsCert: certFile, tlsKey: keyFile, tlsSelfSigned } = tls;
  if (tlsSelfSigned) return await openSelfSigned(host, stateDir);
  if (certFile === undefined || keyFile === undefined) return undefined;
  return { certFile, keyFile, certOption: "tlsCert", keyOption: "tlsKey" };
}

/** As they are now. Throws ConfigError. */
export function readTls({ certFile, keyFile, certOption, keyOption }: TlsSource): TlsFiles {
  const [cert, key] = [readCertificatesOf(certOption, certFile), readPrivateKeyOf(keyOption, keyFile)];
  return { cert, key, certFile, keyFile, certOption, keyOption };
}

async function selfSignedFolder(stateDir: string | undefined): Promise<string> {
  return join((await StateFolder.open(stateDir)).path, "tls");
}

/** What clients have to trust: it is there once a gateway has served with it. */
export async function selfSignedFile(stateDir: string | undefined): Promise<string> {
  return certificateIn(await selfSignedFolder(stateDir));
}

async function openSelfSigned(host: string, stateDir: string | undefined): Promise<TlsSource> {
  const folder = await selfSignedFolder(stateDir);
  const option = "tlsSelfSigned";
  const keep = () => keepSelfSigned(folder, namesFor(host));
  try {
    return { ...await keep(), certOption: option, keyOption: option, keep };
  } catch (cause) {
    const name = `${optionName(option)} ${JSON.stringify(folder)}`;
    throw new ConfigError(`${name}: ${messageOf(cause)}`, { cause });
  }
}

/** What clients call this machine. */
function namesFor(host: string): string[] {
  const named = [hostname(), host.replace(/^\[(.*)\]$/, "$1")].filter(isName);
  return [...new Set(["localhost", "127.0.0.1", "::1", ...named])];
}

function hostname(): string {
  try {
    return Deno.hostname();
  } catch {
    // Not allowed, or not told by this system: clients have other names for it.
    return "";
  }
}

/** No wildcard, and nothing that a certificate has no room for. */
function isName(name: string): boolean {
  return /^[\w.:-]{1,253}$/.test(name) && !isWildcard(name);
}
