/** What the commands for API keys have in common: their flags, and which file is meant. */
import { apiKeyPath } from "../../authenticators.ts";
import { ConfigError, GatewayError, messageOf } from "../../core/errors.ts";
import { type GivenFlags, readOwnFlags, type Spec } from "../daemon/own_flags.ts";

const COMMON: Spec = { apiKeyFile: { type: "string" }, "api-key-file": { type: "string" } };

/** Throws ConfigError for a flag that the command does not have. */
export function readKeyFlags(
  command: string,
  args: readonly string[],
  { flags = {}, operands = 0 }: { readonly flags?: Spec; readonly operands?: number } = {},
): GivenFlags {
  return readOwnFlags(command, args, { flags: { ...COMMON, ...flags }, operands });
}

/** By the flags, else by the environment as serving reads it, else the user's own. */
export async function keyFileOf(given: GivenFlags): Promise<string> {
  const named = given.text("apiKeyFile") ?? given.text("api-key-file");
  if (named === "") throw new ConfigError("--apiKeyFile: expected a file");
  const apiKeyFile = named ?? (Deno.env.get("KEYSTONE_API_KEY_FILE") || undefined);
  return await apiKeyPath({ apiKeyFile, stateDir: given.stateDir });
}

/** Throws GatewayError that names the file. */
export function refused<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new GatewayError(`${path}: ${messageOf(cause)}`, { cause });
  }
}
