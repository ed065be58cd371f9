/** The certificate of our own in its folder: made once, and anew before it ends or where a name is missing in it. */
import { join } from "node:path";
import { PRIVATE, writePrivately } from "../files/private_file.ts";
import { readSecretFile } from "../files/secret_file.ts";
import { readSmallFile } from "../files/small_file.ts";
import { belongTogether, DAY_MS, daysUntil, factsOf, isSameName, namesOf } from "./certificate.ts";
import { makeSelfSigned } from "./self_signed.ts";

/** Less than the 398 days that some clients take at most. */
const VALID_MS = 365 * DAY_MS;
/** Whoever has to be told to trust the next one has a month for it. */
const RENEWED_DAYS = 30;
/** Of those that it was made for before, by gateways on other addresses: more of them are forgotten. */
const MAX_NAMES = 20;

interface KeptPair {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Where it is kept in its folder. */
export function certificateIn(folder: string): string {
  return join(folder, "cert.pem");
}

/** Makes it where it is needed, in a folder that is ours alone. Throws an Error that says why the files cannot be had. */
export async function keepSelfSigned(folder: string, names: readonly string[]): Promise<KeptPair> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const files = { certFile: certificateIn(folder), keyFile: join(folder, "key.pem") };
  const lock = await Deno.open(join(folder, "lock"), { create: true, write: true, mode: PRIVATE });
  try {
    // Others may start at the same time.
    await lock.lock(true);
    await renew(files, names);
  } finally {
    lock.close();
  }
  return files;
}

async function renew({ certFile, keyFile }: KeptPair, names: readonly string[]): Promise<void> {
  const [cert, key] = [textOf(readSmallFile(certFile)), textOf(readSecretFile(keyFile))];
  const known = cert !== undefined && key !== undefined && isUsable(cert, key) ? namesOf(cert) : [];
  const missing = names.filter((name) => !known.some((one) => isSameName(one, name)));
  if (missing.length === 0) return;
  const all = [...missing, ...known];
  const made = makeSelfSigned({ names: all.length > MAX_NAMES ? names : all, validMs: VALID_MS });
  // Who reads them meanwhile has a pair that does not fit, and waits for the next.
  await writePrivately(keyFile, made.key);
  await writePrivately(certFile, made.cert);
}

function isUsable(cert: string, key: string): boolean {
  const facts = factsOf(cert);
  return facts !== undefined && daysUntil(facts.validUntil) >= RENEWED_DAYS && belongTogether(cert, key);
}

/** Undefined where there is none. */
function textOf(read: ReturnType<typeof readSmallFile>): string | undefined {
  if ("text" in read) return read.text;
  if (read.fault === "there is no such file") return undefined;
  throw new Error(read.fault);
}
