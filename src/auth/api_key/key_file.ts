/** The file with the API keys: names, scopes, times, and of each secret its digest alone. */
import * as z from "zod";
import { SCOPE } from "../authenticator.ts";
import { RECORD_NAME, recordFile } from "../record_file.ts";

const entry = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  name: z.string().regex(RECORD_NAME),
  /** SHA-256 of the secret, in hex. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.string().regex(SCOPE)).max(100),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  revokedAt: z.iso.datetime().optional(),
});

export type KeyEntry = z.output<typeof entry>;

export const keyFile = recordFile("keys", entry);

/** Why a key does not count at a time, in milliseconds since 1970; undefined where it does. */
export function lapseOf(
  { expiresAt, revokedAt }: Pick<KeyEntry, "expiresAt" | "revokedAt">,
  now: number,
): "expired" | "revoked" | undefined {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && Date.parse(expiresAt) <= now ? "expired" : undefined;
}
