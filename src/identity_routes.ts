/** Where a gateway proves who it is, to anybody who asks. */
import { identityOf } from "./auth/keypair/identity.ts";
import { readKeyPairOf } from "./config/files.ts";
import type { ProcessConfig } from "./config/mod.ts";
import type { Route } from "./frontends/mod.ts";
import { getOnly } from "./health_report.ts";
import type { PublicUrl } from "./public_urls.ts";
import { IDENTITY_PATH } from "./wire/signing/identity.ts";

/** None without `--identity`. Throws ConfigError for a file that is no key. */
export function identityRoutes(
  { auth, clients: { basePath } }: ProcessConfig,
  publicUrl: PublicUrl,
): Route[] {
  if (auth.identity === undefined) return [];
  const http = getOnly(identityOf({ pair: readKeyPairOf("identity", auth.identity), publicUrl }));
  const paths = new Set([IDENTITY_PATH, basePath + IDENTITY_PATH]);
  return [...paths].map((path) => ({ path, http, open: "anybody" as const }));
}
