/** The file with the API keys: names, scopes, times, and of each secret its digest alone. */
import { dirname } from "node:path";
import * as z from "zod";
import { messageOf } from "../../core/errors.ts";
import { PRIVATE, writePrivately } from "../../files/private_file.ts";
import { readSecretFile } from "../../files/secret_file.ts";
import { SCOPE } from "../authenticator.ts";

/** Names are told in logs and typed in commands. */
export const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

const entry = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  name: z.string().regex(KEY_NAME),
  /** SHA-256 of the secret, in hex. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.string().regex(SCOPE)).max(100),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  revokedAt: z.iso.datetime().optional(),
});

const schema = z.strictObject({ format: z.literal(1), keys: z.array(entry).max(10_000) });

export type KeyEntry = z.output<typeof entry>;

/** What stands in a file; without one there are no keys. Throws an Error that says what is wrong with it. */
export function parseKeys(text: string | undefined): readonly KeyEntry[] {
  if (text === undefined) return [];
  const result = schema.safeParse(parsedJson(text));
  if (result.success) return result.data.keys;
  const [issue] = result.error.issues;
  throw new Error(`it is no file of keys: ${issue?.path.join(".") || "it"}: ${issue?.message}`);
}

/** Nobody else changes them meanwhile. Throws an Error that says why the file cannot be read or written. */
export async function changeKeys(
  path: string,
  change: (keys: readonly KeyEntry[]) => readonly KeyEntry[] | Promise<readonly KeyEntry[]>,
): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // The file itself is replaced, so that whoever reads has the old one or the new one.
  const lock = await Deno.open(`${path}.lock`, { create: true, write: true, mode: PRIVATE });
  try {
    await lock.lock(true);
    const keys = await change(readKeys(path));
    await writePrivately(path, `${JSON.stringify({ format: 1, keys }, undefined, 2)}\n`);
  } finally {
    lock.close();
  }
}

/** Throws an Error that says why it cannot be read. */
export function readKeys(path: string): readonly KeyEntry[] {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new Error(messageOf(error));
  }
  const read = readSecretFile(path);
  if ("fault" in read) throw new Error(read.fault);
  return parseKeys(read.text);
}

/** Why a key does not count at a time, in milliseconds since 1970; undefined where it does. */
export function lapseOf({ expiresAt, revokedAt }: KeyEntry, now: number): "expired" | "revoked" | undefined {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && Date.parse(expiresAt) <= now ? "expired" : undefined;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is no JSON");
  }
}
