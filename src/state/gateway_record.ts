/** What a gateway that runs in the background leaves for the commands that look after it. */
import * as z from "zod";
import { GatewayError } from "../core/errors.ts";

/** Flags may be as long as a command line. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024;

const URL_CHARS = 2_000;
const PATH_CHARS = 32_768;

const schema = z.object({
  /** Of this form; another version of Keystone may have another one. */
  format: z.literal(1),
  name: z.string().max(64),
  pid: z.int().min(2),
  /** When the process began, as `process_identity.ts` tells it. */
  start: z.string().max(200).optional(),
  version: z.string().max(100),
  /** What the one who launched it has it answer with. */
  nonce: z.string().max(100).optional(),
  startedAt: z.iso.datetime(),
  admin: z.object({
    url: z.url({ protocol: /^http$/, hostname: /^127\.0\.0\.1$/ }).max(100),
    token: z.string().regex(/^[\w-]{20,200}$/),
  }),
  urls: z.array(z.string().max(URL_CHARS)).max(10_000),
  log: z.string().max(PATH_CHARS).optional(),
  /** As `start` had them, and where. */
  flags: z.array(z.string()),
  cwd: z.string().max(PATH_CHARS),
});

export type GatewayRecord = z.output<typeof schema>;

/** Throws GatewayError for what is no record; `path` is where it stands. */
export function parseRecord(text: string, path: string): GatewayRecord {
  const result = schema.safeParse(parsedJson(text, path));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw brokenRecord(path, `${issue?.path.join(".") || "it"}: ${issue?.message}`);
}

export function brokenRecord(path: string, why: string): GatewayError {
  return new GatewayError(
    `${path} is no record of a gateway (${why}); end that gateway, if it runs, and remove the file`,
  );
}

function parsedJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the file holds is not to be quoted: it may be a token.
    throw brokenRecord(path, "no JSON");
  }
}
